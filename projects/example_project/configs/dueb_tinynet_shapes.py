_base_ = [
    './tinynet.py',  # the project's own model
    '../../../configs/_base_/datasets/shapes_semi.py',  # mmseg_ssl's, here and below
    '../../../configs/_base_/schedules/sgd_poly_shapes.py',
    '../../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmseg_ssl', 'tiny_seg'], allow_failed_imports=False)
model = dict(
    _delete_=True,
    type='DUEB',
    segmentor=_base_.model,
    data_preprocessor=dict(_base_.model.data_preprocessor, type='SemiDataPreProcessor'),
)
train_dataloader = dict(dataset=dict(unlabeled_per_labeled=2))  # DUEB mixes two unlabeled images per labeled one
