_base_ = ['./cps_mbv2_camvid_1-16.py', '../_base_/networks/eln_localizer_mbv2.py']
# each network's label is kept where ELN's localizer calls it right
model = dict(type='LocatedCPS', localizer=_base_.localizer)
