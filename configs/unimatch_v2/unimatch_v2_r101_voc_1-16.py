_base_ = './unimatch_v2_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/cps/1-16.txt'))
train_cfg, param_scheduler = _base_.schedules['1-16']
