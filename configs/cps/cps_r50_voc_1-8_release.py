_base_ = './cps_r50_voc_1-8.py'
model = dict(batch_statistics='separate')  # as the public code with CutMix, which calls a network per batch
