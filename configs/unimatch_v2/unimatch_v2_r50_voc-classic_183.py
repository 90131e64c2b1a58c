_base_ = './unimatch_v2_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/183.txt'))
train_cfg, param_scheduler = _base_.schedules['183']
