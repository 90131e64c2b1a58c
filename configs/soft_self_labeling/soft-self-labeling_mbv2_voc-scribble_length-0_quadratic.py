_base_ = './soft-self-labeling_mbv2_voc-scribble_length-1.py'
model = dict(self_labeling=dict(relaxation='quadratic'))
train_dataloader = dict(dataset=dict(labeled=dict(data_prefix=dict(seg_map_path='pascal_2012_scribble_length-0'))))
load_from = 'work_dirs/scribble-supervised_mbv2_voc-scribble_length-0/last_checkpoint'
