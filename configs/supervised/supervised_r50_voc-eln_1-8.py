_base_ = './supervised_r50_voc-eln_1-20.py'
train_dataloader = dict(dataset=dict(split='voc/eln/1-8_draw0.txt'))
