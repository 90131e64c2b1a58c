# VOC as in ST++ and UniMatch: crops of 321, the long side resized to 0.5 to 2 times the original 500; whole images at test.
_base_ = './voc_semi.py'
crop_size = (321, 321)
labeled_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSemiInputs'),
]
unlabeled_pipeline = [step for step in labeled_pipeline if step['type'] != 'LoadAnnotations']
train_dataloader = dict(
    batch_size=4,  # a process; the papers' 16 is over all of them
    dataset=dict(labeled=dict(pipeline=labeled_pipeline), unlabeled=dict(pipeline=unlabeled_pipeline)),
)
