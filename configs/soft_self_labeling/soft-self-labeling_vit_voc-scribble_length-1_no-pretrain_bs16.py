_base_ = './soft-self-labeling_vit_voc-scribble_length-1_no-pretrain.py'
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=_base_.iters['voc-bs16'])
