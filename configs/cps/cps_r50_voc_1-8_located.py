_base_ = ['./cps_r50_voc_1-8.py', '../_base_/networks/eln_localizer_r34.py']
# each network's label is kept where ELN's localizer calls it right
model = dict(type='LocatedCPS', localizer=_base_.localizer)
