_base_ = './unimatch_v1_mbv2_camvid_1-16.py'
# CorrMatch's threshold, which follows the classes' largest confidences
model = dict(threshold=dict(_delete_=True, type='AdaptiveThreshold'))
train_dataloader = dict(dataset=dict(split='camvid/8_draw0.txt'))
