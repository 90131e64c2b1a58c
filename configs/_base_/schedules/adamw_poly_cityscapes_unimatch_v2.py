# UniMatch V2 on Cityscapes with DINOv2: batch 8 (4 processes of 2), 180 epochs of the unlabeled images.
iters = {split: 180 * (n // 8) for split, n in {'1-16': 2789, '1-8': 2603, '1-4': 2231, '1-2': 1487}.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=40.0), side_heads=dict(lr_mult=40.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
