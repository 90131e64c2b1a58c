_base_ = '../../../configs/farcluss/farcluss_mbv2_camvid_8.py'
custom_imports = dict(imports=['mmseg_ssl', 'energy_farcluss'], allow_failed_imports=False)
model = dict(reliability=dict(type='EnergyReliability'))
