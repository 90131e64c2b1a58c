_base_ = './soft-self-labeling_mbv2_camvid-scribble_length-1.py'
model = dict(self_labeling=dict(relaxation='collision_cross_entropy'))
