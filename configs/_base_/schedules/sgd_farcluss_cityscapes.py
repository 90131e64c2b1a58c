# FARCLUSS on Cityscapes, whose schedule the authors do not give: UniMatch's. Batch 16, SGD, poly, 240 epochs of
# max(labeled, unlabeled) // 16 iterations; unlabeled images count in full after 5 epochs.
iters = {split: 240 * (n // 16) for split, n in {'1-16': 2789, '1-8': 2603, '1-4': 2231, '1-2': 1488}.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=1e-4),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.05)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.001), dict(type='UnsupRampHook', begin=0.0, end=5 / 240)]
