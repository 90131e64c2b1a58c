# FARCLUSS on VOC 2012: batch 16, SGD, poly, 80 epochs (ST++, UniMatch and the authors' other repositories have the
# same). An epoch is max(labeled, unlabeled) // 16 iterations; unlabeled ones count in full after 5 epochs.
images = {n: max(n, 10582 - n) for n in (92, 183, 366, 732, 1464, 662, 1323, 2646, 5291)}
iters = {str(n): 80 * (count // 16) for n, count in images.items()}  # classic and U2PL lists
iters.update({'1-16': iters['662'], '1-8': iters['1323'], '1-4': iters['2646'], '1-2': iters['5291']})  # CPS lists

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0), side_heads=dict(lr_mult=10.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.001), dict(type='UnsupRampHook', begin=0.0, end=5 / 80)]
