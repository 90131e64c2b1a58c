_base_ = './unimatch_v2_r50_voc-u2pl_1323.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/2646.txt'))
train_cfg = dict(max_iters=_base_.iters['2646'])
