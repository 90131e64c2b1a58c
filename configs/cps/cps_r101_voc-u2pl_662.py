_base_ = './cps_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/662.txt'))
train_cfg, param_scheduler = _base_.schedules['1-16']
