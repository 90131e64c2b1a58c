_base_ = './eln_r50_voc-eln_1-20.py'
model = dict(slack=())  # Table 5
