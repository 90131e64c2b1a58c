_base_ = './cps_r50_cityscapes_1-8.py'
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-2.txt'))
train_cfg, param_scheduler = _base_.schedules['1-2']
