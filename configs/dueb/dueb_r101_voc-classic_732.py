_base_ = './dueb_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/732.txt', unlabeled=dict(exclude='')))
train_cfg = dict(max_iters=_base_.iters['classic'])
