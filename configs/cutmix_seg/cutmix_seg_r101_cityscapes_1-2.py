_base_ = './cutmix_seg_r101_cityscapes_1-8.py'
train_dataloader = dict(dataset=dict(split='cityscapes/cps/1-2.txt'))
