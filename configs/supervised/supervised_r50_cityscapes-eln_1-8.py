_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/cityscapes_semi_512x1024.py',
    '../_base_/schedules/adamw_eln_cityscapes.py',
    '../_base_/default_runtime.py',
]
# The baseline of ELN's Table 2: its network, data and schedule without the unlabeled images.
model = dict(
    type='Supervised',
    segmentor=dict(decode_head=dict(_base_.segmentor.decode_head, dropout_ratio=0.1)),
    data_preprocessor=dict(size=(512, 1024)),
)
train_dataloader = dict(dataset=dict(split='cityscapes/eln/1-8_draw0.txt', unlabeled=None, unlabeled_per_labeled=0))
custom_hooks = []
