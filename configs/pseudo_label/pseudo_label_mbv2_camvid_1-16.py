_base_ = [
    '../_base_/networks/deeplabv3plus_mbv2-d16.py',
    '../_base_/datasets/camvid_semi_240x180.py',
    '../_base_/schedules/adamw_poly_camvid_cpu.py',
    '../_base_/default_runtime.py',
]
model = dict(type='PseudoLabel', segmentor=_base_.segmentor, data_preprocessor=dict(strong=dict(type='StrongAugment')))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        split='camvid/1-16_draw0.txt',
        unlabeled=dict(
            type='PseudoLabeledImages',
            pseudo_labels='work_dirs/pseudo_labels/camvid_1-16',  # what tools/pseudo_label.py wrote
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadPseudoLabels'),
                *_base_.unlabeled_pipeline[1:-1],
                dict(type='PackPseudoLabels'),
            ],
        ),
    ),
)
