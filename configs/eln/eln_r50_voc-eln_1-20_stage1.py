_base_ = './eln_r50_voc-eln_1-20.py'
# Stage 1 alone: eq. 7 after the pre-training. Go on with stage 2 by load_from.
model = dict(type='ELNWarmup', predict_on='student', data_preprocessor=dict(strong=None))
train_cfg = dict(max_iters=120 * 266, val_interval=4 / 120)
train_dataloader = dict(dataset=dict(unlabeled=None, unlabeled_per_labeled=0))
custom_hooks = [dict(type='ELNStageHook', starts=dict(pretrain=0, warmup=70 / 120))]
