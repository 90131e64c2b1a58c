# Soft self-labeling: batch 12 (2 processes of 6), SGD at 0.0007, poly, 60 epochs for every loss. Where the paper is
# silent as the public code of the robust trust region, its ancestor: momentum 0.9, weight decay 5e-4, head 10 times.
iters = dict(voc=60 * (10582 // 12), cityscapes=60 * (2975 // 12), ade20k=60 * (20210 // 12))  # 52860, 14820, 101040
iters['voc-bs16'] = 60 * (10582 // 16)  # 39660

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.0007, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0))),
)
auto_scale_lr = dict(enable=False, base_batch_size=12)
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
train_cfg = dict(type='SemiTrainLoop', max_iters=iters['voc'], val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
