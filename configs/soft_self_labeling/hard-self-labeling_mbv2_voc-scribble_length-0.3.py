_base_ = './hard-self-labeling_mbv2_voc-scribble_length-1.py'
model = dict(error_rate=0.9516, self_labeling=dict(unary_weight=0.1))
train_dataloader = dict(dataset=dict(labeled=dict(data_prefix=dict(seg_map_path='pascal_2012_scribble_length-0.3'))))
load_from = 'work_dirs/scribble-supervised_mbv2_voc-scribble_length-0.3/last_checkpoint'
