_base_ = './eln_r50_voc-eln_1-20.py'
model = dict(slack=(20.0, 50.0, 100.0))  # Table 5
