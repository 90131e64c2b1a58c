# The recipe of CPS, CPCL and DUEB on Cityscapes: batch 16 (8 processes of 2), SGD, poly.
# Iterations: the papers' epochs times the draws of an epoch, max(labeled, unlabeled) // 16.
iters = {
    '1-16': 128 * (2789 // 16),  # 22272
    '1-8': 137 * (2603 // 16),  # 22194
    '1-4': 160 * (2231 // 16),  # 22240
    '1-2': 240 * (1488 // 16),  # 22320
}

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
auto_scale_lr = dict(enable=False, base_batch_size=16)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
