_base_ = './scribble-mean-teacher_mbv2_camvid-scribble-semi_1-16.py'
train_dataloader = dict(dataset=dict(split='camvid/8_draw0.txt'))
