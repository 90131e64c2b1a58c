_base_ = './soft-self-labeling_r101_voc-scribble_length-1.py'
load_from = None
