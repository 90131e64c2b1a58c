_base_ = './eln_r50_voc-eln_1-20.py'
model = dict(pseudo_weight=0.0)  # Table 6
