_base_ = './soft-self-labeling_mbv2_voc-scribble_length-1.py'
# All pairs at 64 cells along the longer side.
model = dict(self_labeling=dict(_delete_=True, neighborhood='dense', relaxation='quadratic', eta=0.3, potts_weight=6.0))
