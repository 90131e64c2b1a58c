_base_ = './soft-self-labeling_mbv2_camvid-scribble_length-1.py'
custom_hooks = []
