_base_ = './cutmix_seg_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/cps/1-2.txt'))
