_base_ = './cpcl_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/183.txt', unlabeled=dict(exclude='')))
train_cfg = dict(max_iters=_base_.iters['classic'])
