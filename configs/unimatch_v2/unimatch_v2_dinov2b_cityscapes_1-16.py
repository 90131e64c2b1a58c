_base_ = './unimatch_v2_dinov2b_cityscapes_1-8.py'
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-16.txt'))
train_cfg = dict(max_iters=_base_.iters['1-16'])
