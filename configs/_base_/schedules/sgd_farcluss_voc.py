# FARCLUSS on VOC 2012: batch 16, SGD, poly, 80 epochs (ST++, UniMatch and the authors' other repositories have the
# same). An epoch is max(labeled, unlabeled) // 16 iterations; unlabeled ones count in full after 5 epochs.
images = {n: max(n, 10582 - n) for n in (92, 183, 366, 732, 1464, 662, 1323, 2646, 5291)}
epochs = {str(n): count // 16 for n, count in images.items()}  # classic and U2PL lists
epochs.update({'1-16': epochs['662'], '1-8': epochs['1323'], '1-4': epochs['2646'], '1-2': epochs['5291']})  # CPS lists
schedules = {
    split: (
        dict(max_iters=80 * epoch),
        dict(end=80 * epoch),
        [dict(type='MeanTeacherHook', momentum=0.001), dict(type='UnsupRampHook', begin=0, end=5 * epoch)],
    )
    for split, epoch in epochs.items()
}

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0), side_heads=dict(lr_mult=10.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
