_base_ = './dueb_r50_voc_1-8.py'
# The public code's ablation "energy only".
model = dict(batch_statistics='separate', aleatoric=None, energy=dict(type='ReleaseEnergyTerm'))
