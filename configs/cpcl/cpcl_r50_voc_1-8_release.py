_base_ = './cpcl_r50_voc_1-8.py'
model = dict(batch_statistics='separate')  # as the public code, which calls a network per batch
