_base_ = './eln_mbv2_camvid_8.py'
# The baseline: a threshold on the teacher's confidence in the place of the localizer.
model = dict(localizer=dict(_delete_=True, type='ConfidenceThreshold'), threshold=0.9, slack=())
