# CutMix-Seg: Adam at a fixed rate, 40 epochs of 1000 iterations, BatchNorm of the encoder frozen.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='Adam', lr=1e-5),
)
param_scheduler = None
train_cfg = dict(type='SemiTrainLoop', max_iters=40 * 1000, val_interval=0.1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# color jitter and grayscale of the public code; no blur
perturbation = dict(
    type='StrongAugment', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter_prob=0.8, blur_prob=0.0
)
