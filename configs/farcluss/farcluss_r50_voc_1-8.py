_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d8.py',
    '../_base_/datasets/voc_semi_321.py',
    '../_base_/schedules/sgd_farcluss_voc.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='FARCLUSS',
    predict_on=('student', 'teacher'),
    projection=dict(norm_cfg=dict(type='SyncBN')),
    segmentor=_base_.segmentor,
    data_preprocessor=dict(size=_base_.crop_size, strong=dict(type='StrongAugment')),
)
train_dataloader = dict(batch_size=4, dataset=dict(split='voc/cps/1-8.txt'))  # 16 over 4 processes
train_cfg = dict(max_iters=_base_.iters['1-8'])
val_evaluator = test_evaluator = dict(type='SemiIoUMetric')
