_base_ = './unimatch_v1_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/cps/1-2.txt'))
train_cfg = dict(max_iters=_base_.iters['1-2'])
