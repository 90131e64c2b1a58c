_base_ = './soft-self-labeling_mbv2_voc-scribble_length-1.py'
model = dict(self_labeling=dict(relaxation='bilinear'))
