_base_ = './pseudo_label_mbv2_camvid_1-16.py'
train_dataloader = dict(
    dataset=dict(split='camvid/8_draw0.txt', unlabeled=dict(pseudo_labels='work_dirs/pseudo_labels/camvid_8'))
)
