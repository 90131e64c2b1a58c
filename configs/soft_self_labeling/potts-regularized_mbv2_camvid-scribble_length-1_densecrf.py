_base_ = './potts-regularized_mbv2_camvid-scribble_length-1_gridcrf.py'
# Weight: the mean of a pixel's affinities is some thousands here, not 4.
model = dict(
    potts=dict(
        relaxation='bilinear', neighborhood='dense', weight=1e-3, bandwidth=15.0, spatial_bandwidth=50.0, resolution=32
    )
)
