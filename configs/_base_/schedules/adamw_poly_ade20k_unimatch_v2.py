# The schedule of UniMatch V2 on VOC for ADE20K: batch 16 (4 processes of 4), 60 epochs of the unlabeled images.
iters = {split: 60 * (n // 16) for split, n in {'1-64': 19894, '1-32': 19579, '1-16': 18947, '1-8': 17684}.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=40.0), side_heads=dict(lr_mult=40.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.05)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
