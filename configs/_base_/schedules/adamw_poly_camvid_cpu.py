# Short enough for two CPU cores. AdamW, because so few iterations of SGD end far lower (supervised, 8 images, val).
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=5.0))),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)]
train_cfg = dict(type='SemiTrainLoop', max_iters=800, val_interval=1.0)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
