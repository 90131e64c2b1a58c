_base_ = [
    '../_base_/networks/deeplabv3plus_r101-d16.py',
    '../_base_/networks/eln_localizer_r34.py',
    '../_base_/datasets/voc_semi_512.py',
    '../_base_/schedules/adamw_eln_voc.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ELN',
    predict_on=('student', 'teacher'),
    predict_correctness=True,
    slack=(20.0, 50.0),
    localizer=_base_.localizer,
    segmentor=dict(decode_head=dict(_base_.segmentor.decode_head, dropout_ratio=0.1)),
    data_preprocessor=dict(size=(512, 512), strong=_base_.perturbation),
)
train_dataloader = dict(dataset=dict(split='voc/eln/1-20_draw0.txt'))
val_evaluator = test_evaluator = [dict(type='SemiIoUMetric'), dict(type='ErrorLocalizationMetric')]
