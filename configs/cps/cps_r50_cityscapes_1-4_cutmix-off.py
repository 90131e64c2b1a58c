_base_ = './cps_r50_cityscapes_1-8.py'
model = dict(cutmix=None, unsup_weight=6.0)
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-4.txt', unlabeled_per_labeled=1))
train_cfg = dict(max_iters=_base_.iters['1-4'])
