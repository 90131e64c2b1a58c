_base_ = './dueb_r50_voc_1-8.py'
# The public code's ablation "uncertainty only".
model = dict(batch_statistics='separate', aleatoric=dict(type='ReleaseAleatoricTerm'), energy=None)
