_base_ = './supervised_r101_voc-eln_1-20.py'
train_dataloader = dict(dataset=dict(split='voc/eln/1-4_draw0.txt'))
