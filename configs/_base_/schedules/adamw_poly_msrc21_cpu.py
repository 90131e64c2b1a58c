# A head on fixed features learns 20 images in 600 iterations: twice as many change mIoU by less than 1.
_base_ = './adamw_poly_camvid_cpu.py'
train_cfg = dict(max_iters=600)
