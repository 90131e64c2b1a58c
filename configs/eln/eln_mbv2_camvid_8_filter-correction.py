_base_ = './eln_mbv2_camvid_8.py'
model = dict(localizer=dict(type='ErrorCorrector'))  # the baseline s-ECN of the paper
