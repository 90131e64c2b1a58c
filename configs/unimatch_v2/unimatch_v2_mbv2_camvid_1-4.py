_base_ = './unimatch_v2_mbv2_camvid_1-16.py'
train_dataloader = dict(dataset=dict(split='camvid/1-4_draw0.txt'))
