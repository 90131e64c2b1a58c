_base_ = './dueb_r50_voc_1-8.py'
# The step of the public code: its two terms, and statistics of a network call per batch.
model = dict(
    batch_statistics='separate',
    aleatoric=dict(type='ReleaseAleatoricTerm'),
    energy=dict(type='ReleaseEnergyTerm'),
)
