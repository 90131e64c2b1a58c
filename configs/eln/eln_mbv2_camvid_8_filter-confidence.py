_base_ = './eln_mbv2_camvid_8.py'
# The baseline: a threshold on the teacher's confidence in the place of the localizer; of 0.5 to 0.95 the one that finds
# errors best on val.
model = dict(localizer=dict(_delete_=True, type='ConfidenceThreshold'), threshold=0.7, slack=())
