_base_ = './eln_r50_voc-eln_1-20.py'
# Table 3: the correction network (s-ECN) in the place of the localizer.
model = dict(localizer=dict(type='ErrorCorrector'))
