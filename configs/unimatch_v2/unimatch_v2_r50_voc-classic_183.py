_base_ = './unimatch_v2_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/183.txt'))
train_cfg = dict(max_iters=_base_.iters['183'])
