_base_ = './soft-self-labeling_r101_voc-scribble_length-1.py'
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=_base_.iters['voc-bs16'])
