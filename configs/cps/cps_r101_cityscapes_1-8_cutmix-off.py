_base_ = './cps_r101_cityscapes_1-8.py'
model = dict(cutmix=None, unsup_weight=6.0)
train_dataloader = dict(dataset=dict(unlabeled_per_labeled=1))
