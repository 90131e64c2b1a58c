_base_ = './soft-self-labeling_mbv2_voc-scribble_length-1.py'
load_from = None
