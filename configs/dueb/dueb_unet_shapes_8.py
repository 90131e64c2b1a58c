_base_ = [
    '../_base_/networks/unet_tiny.py',
    '../_base_/datasets/shapes_semi.py',
    '../_base_/schedules/sgd_poly_shapes.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='DUEB',
    segmentor=_base_.segmentor,
    unsup_weight=1.0,
    aleatoric=dict(sample_stride=2),
    side_heads=dict(energy=dict(type='EnergyHead')),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='shapes/8_draw0.txt', unlabeled_per_labeled=2))
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')  # also the IoU of every class
