# The recipe of CPCL and DUEB on VOC 2012: batch 8 (2 processes of 4), SGD, poly, plain cross-entropy.
# Iterations: the papers' epochs times the draws of an epoch, max(labeled, unlabeled) // 8.
iters = {
    '1-16': 32 * (9920 // 8),  # 39680
    '1-8': 34 * (9259 // 8),  # 39338
    '1-4': 40 * (7936 // 8),  # 39680
    '1-2': 60 * (5291 // 8),  # 39660
    # 92 to 1464 labels, all 10582 images unlabeled: the papers' epochs are not known here, so those of 1/16
    'classic': 32 * (10582 // 8),  # 42304
}
iters.update({'662': iters['1-16'], '1323': iters['1-8'], '2646': iters['1-4'], '5291': iters['1-2']})  # U2PL lists

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['1-8'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
