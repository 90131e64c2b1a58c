_base_ = './mean_teacher_r101_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/cps/1-16.txt'))
train_cfg = dict(max_iters=_base_.iters['1-16'])
