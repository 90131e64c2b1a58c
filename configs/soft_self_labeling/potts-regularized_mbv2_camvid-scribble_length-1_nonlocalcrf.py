_base_ = './potts-regularized_mbv2_camvid-scribble_length-1_gridcrf.py'
model = dict(potts=dict(neighborhood='nonlocal', radius=50.0))
