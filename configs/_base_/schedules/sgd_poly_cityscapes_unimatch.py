# UniMatch V1 and its FixMatch on Cityscapes: batch 8 (4 processes of 2), 240 epochs of the unlabeled images.
iters = {split: 240 * (n // 8) for split, n in {'1-16': 2789, '1-8': 2603, '1-4': 2231, '1-2': 1487}.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.05)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
