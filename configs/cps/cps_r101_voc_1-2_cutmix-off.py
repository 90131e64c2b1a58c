_base_ = './cps_r101_voc_1-8.py'
model = dict(cutmix=None, unsup_weight=1.5)
train_dataloader = dict(dataset=dict(split='voc/cps/1-2.txt', unlabeled_per_labeled=1))
train_cfg = dict(max_iters=_base_.iters['1-2'])
