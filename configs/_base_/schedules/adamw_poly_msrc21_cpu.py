# A head on fixed features: 600 iterations are enough for a few dozen images.
_base_ = './adamw_poly_camvid_cpu.py'
train_cfg = dict(max_iters=600)
optim_wrapper = dict(constructor='DefaultOptimWrapperConstructor')  # of the recorded runs
