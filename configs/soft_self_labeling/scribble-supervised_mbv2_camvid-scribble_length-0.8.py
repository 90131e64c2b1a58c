_base_ = './scribble-supervised_mbv2_camvid-scribble_length-1.py'
train_dataloader = dict(dataset=dict(labeled=dict(data_prefix=dict(seg_map_path='camvid_scribbles/length-0.8'))))
