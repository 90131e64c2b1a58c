custom_imports = dict(imports=['mmseg_ssl'], allow_failed_imports=False)
default_scope = 'mmseg'
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
default_hooks = dict(
    seed=dict(type='SeedHook'),  # every random choice is a function of (seed, iteration): resuming is exact
    run=dict(type='CheckRunHook'),  # settings without an effect are errors
    data=dict(type='DataSummaryHook'),  # what is labeled; stops if val or test hold labeled images
    finite=dict(type='StopOnNonFiniteLoss'),
    timer=dict(type='IterTimerHook'),
    memory=dict(type='PeakMemoryHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # and, one at a time: before each validation, after ten minutes (minutes=10), and on SIGTERM
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=1000, max_keep_ckpts=2),
    visualization=dict(type='SemiVisualizationHook'),
    weights=dict(type='CheckWeightsHook'),  # a checkpoint of another network is an error
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
tta_model = dict(type='SemiTTAModel')  # tools/test.py --tta; the views are the dataset's tta_pipeline
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
