_base_ = './unimatch_v1_r101_voc-u2pl_1323.py'
train_dataloader = dict(dataset=dict(split='voc/u2pl/2646.txt'))
train_cfg, param_scheduler = _base_.schedules['2646']
