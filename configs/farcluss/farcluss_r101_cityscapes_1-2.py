_base_ = './farcluss_r101_cityscapes_1-8.py'
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-2.txt'))
train_cfg = dict(max_iters=_base_.iters['1-2'])
