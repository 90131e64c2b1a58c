_base_ = './unimatch_v1_r50_voc-u2pl_1323.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/662.txt'))
train_cfg = dict(max_iters=_base_.iters['662'])
