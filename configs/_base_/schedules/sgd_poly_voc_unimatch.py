# UniMatch V1 and its FixMatch on VOC 2012: batch 8 (4 processes of 2), 80 epochs of the unlabeled images.
# What is not labeled by the list is unlabeled; equal numbers of labels have equal schedules, whatever the list.
unlabeled = {
    **{'1-16': 9920, '1-8': 9259, '1-4': 7936, '1-2': 5291},
    **{'662': 9920, '1323': 9259, '2646': 7936, '5291': 5291},
    **{'92': 10490, '183': 10399, '366': 10216, '732': 9850, '1464': 9118},
}
iters = {split: 80 * (count // 8) for split, count in unlabeled.items()}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
