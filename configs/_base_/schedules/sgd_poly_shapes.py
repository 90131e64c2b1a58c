# Random weights, and a minute and a half for DUEB on one CPU core.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=600, val_interval=1.0)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
