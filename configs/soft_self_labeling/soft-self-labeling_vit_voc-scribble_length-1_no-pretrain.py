_base_ = [
    '../_base_/networks/vit-b16_linear.py',
    '../_base_/datasets/voc_scribble.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='SoftSelfLabeling',
    self_labeling=dict(eta=0.3, potts_weight=6.0, bandwidth=9.0),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=(512, 512)),
)
crop = dict(type='RandomCrop', crop_size=(512, 512))  # whole patches
pipeline = [crop if step['type'] == 'RandomCrop' else step for step in _base_.labeled_pipeline]
train_dataloader = dict(dataset=dict(labeled=dict(pipeline=pipeline)))
custom_hooks = [dict(type='ScribbleVisHook', interval=1000, bandwidth=9.0)]
