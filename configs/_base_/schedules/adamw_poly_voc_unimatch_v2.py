# UniMatch V2 on VOC 2012 with DINOv2: batch 16 (4 processes of 4), 60 epochs of the unlabeled images.
unlabeled = {'92': 10490, '183': 10399, '366': 10216, '732': 9850, '1464': 9118}
iters = {split: 60 * (count // 16) for split, count in unlabeled.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=40.0), side_heads=dict(lr_mult=40.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['183'], val_interval=0.05)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
