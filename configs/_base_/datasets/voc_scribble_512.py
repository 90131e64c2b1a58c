# VOC's scribbles for a ViT: crops of whole patches.
_base_ = './voc_scribble.py'
crop_size = (512, 512)
labeled_pipeline, full_pipeline = (
    [dict(step, crop_size=crop_size) if step['type'] == 'RandomCrop' else step for step in steps]
    for steps in (_base_.labeled_pipeline, _base_.full_pipeline)
)
full_masks = dict(pipeline=full_pipeline)
train_dataloader = dict(dataset=dict(labeled=dict(pipeline=labeled_pipeline)))
