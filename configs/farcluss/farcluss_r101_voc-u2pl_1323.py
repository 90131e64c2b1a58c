_base_ = './farcluss_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/1323.txt'))
train_cfg = dict(max_iters=_base_.iters['1323'])
