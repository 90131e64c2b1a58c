_base_ = './unimatch_v2_dinov2b_voc-classic_183.py'
train_dataloader = dict(dataset=dict(split='voc/classic/92.txt'))
train_cfg = dict(max_iters=_base_.iters['92'])
