_base_ = './cps_r50_voc_1-8.py'
model = dict(cutmix=None, unsup_weight=1.5)
train_dataloader = dict(dataset=dict(unlabeled_per_labeled=1))
