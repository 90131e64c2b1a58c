_base_ = './eln_r50_voc-eln_1-20.py'
# Tables 3 and 6: a threshold on the confidence in the place of the localizer; the paper does not give it.
model = dict(localizer=dict(_delete_=True, type='ConfidenceThreshold'), threshold=0.9, slack=())
