_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/cityscapes_block.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ScribbleSupervised',
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
train_dataloader = dict(batch_size=3)  # 4 processes
train_cfg = dict(max_iters=_base_.iters['cityscapes'])
