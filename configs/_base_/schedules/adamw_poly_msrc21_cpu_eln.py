# As adamw_poly_msrc21_cpu.py, with ELN's stages.
_base_ = './adamw_poly_camvid_cpu_eln.py'
train_cfg = dict(max_iters=1200)
optim_wrapper = dict(constructor='DefaultOptimWrapperConstructor')  # of the recorded runs
