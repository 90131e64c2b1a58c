_base_ = './dueb_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/cps/1-4.txt'))
train_cfg = dict(max_iters=_base_.iters['1-4'])
