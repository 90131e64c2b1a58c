_base_ = './mean_teacher_r50_voc_1-8.py'
# The public code of CPS: both networks see one crop, in calls of their own; the teacher's BatchNorm is in train mode and
# keeps its own statistics, as its average is of the weights alone.
model = dict(
    batch_statistics='separate',
    teacher=dict(eval_mode=False, buffers='own'),
    data_preprocessor=dict(strong=dict(jitter_prob=0.0, grayscale_prob=0.0, blur_prob=0.0)),
)
custom_hooks = [dict(type='MeanTeacherHook', momentum=0.01, warmup=False)]
