_base_ = './unimatch_v2_mbv2_camvid_1-16.py'
# FARCLUSS's fuzzy labels: the probabilities of the three likeliest classes, of all pixels
model = dict(threshold=0.0, target=dict(type='fuzzy_topk', k=3))
