_base_ = [
    '../_base_/networks/deeplabv3plus_r50-d16.py',
    '../_base_/datasets/voc_semi_512.py',
    '../_base_/schedules/adamw_eln_voc.py',
    '../_base_/default_runtime.py',
]
# The baseline of ELN's Table 1: its network, data and schedule without the unlabeled images.
model = dict(
    type='Supervised',
    segmentor=dict(decode_head=dict(_base_.segmentor.decode_head, dropout_ratio=0.1)),
    data_preprocessor=dict(size=(512, 512)),
)
train_dataloader = dict(dataset=dict(split='voc/eln/1-20_draw0.txt', unlabeled=None, unlabeled_per_labeled=0))
custom_hooks = []
