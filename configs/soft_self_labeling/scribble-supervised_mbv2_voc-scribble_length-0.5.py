_base_ = './scribble-supervised_mbv2_voc-scribble_length-1.py'
train_dataloader = dict(dataset=dict(labeled=dict(data_prefix=dict(seg_map_path='pascal_2012_scribble_length-0.5'))))
