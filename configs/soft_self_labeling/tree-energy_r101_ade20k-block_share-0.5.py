_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/datasets/ade20k_block.py',
    '../_base_/schedules/sgd_poly_scribble.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='TreeEnergy',
    tree=dict(weight=0.4, sigma=0.02),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size),
)
train_dataloader = dict(batch_size=6)
train_cfg = dict(max_iters=_base_.iters['ade20k'])
load_from = 'work_dirs/scribble-supervised_r101_ade20k-block_share-0.5/last_checkpoint'
