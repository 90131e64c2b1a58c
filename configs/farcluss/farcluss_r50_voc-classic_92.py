_base_ = './farcluss_r50_voc_1-8.py'
train_dataloader = dict(dataset=dict(split='voc/classic/92.txt'))
train_cfg = dict(max_iters=_base_.iters['92'])
