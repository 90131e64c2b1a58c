_base_ = './unimatch_v1_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/732.txt'))
train_cfg = dict(max_iters=_base_.iters['732'])
