_base_ = './cpcl_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/1464.txt', unlabeled=dict(exclude='')))
train_cfg = dict(max_iters=_base_.iters['classic'])
