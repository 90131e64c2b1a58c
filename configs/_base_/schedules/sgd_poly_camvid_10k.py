# CamVid at 480x360 to convergence on one accelerator: batch 8 on one process, 10k iterations.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=5.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=10000, val_interval=0.2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
