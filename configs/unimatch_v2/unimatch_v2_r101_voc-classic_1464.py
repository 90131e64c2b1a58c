_base_ = './unimatch_v2_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/1464.txt'))
train_cfg = dict(max_iters=_base_.iters['1464'])
