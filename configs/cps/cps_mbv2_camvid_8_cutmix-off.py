_base_ = './cps_mbv2_camvid_1-16.py'
model = dict(cutmix=None, unsup_weight=6.0)
train_dataloader = dict(dataset=dict(split='camvid/8_draw0.txt', unlabeled_per_labeled=1))
