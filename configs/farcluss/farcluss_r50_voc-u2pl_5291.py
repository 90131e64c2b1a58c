_base_ = './farcluss_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/5291.txt'))
train_cfg = dict(max_iters=_base_.iters['5291'])
