_base_ = './cutmix_seg_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/92.txt'))
