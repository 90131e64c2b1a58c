_base_ = './supervised_r50_cityscapes-eln_1-8.py'
train_dataloader = dict(dataset=dict(split='cityscapes/train.txt'))
