# CPS on Cityscapes: the learning rate of its public code, four times that of CPCL and DUEB.
_base_ = './sgd_poly_cityscapes.py'
optim_wrapper = dict(optimizer=dict(lr=0.04))
