# A head on fixed features: after 1,200 iterations on 20 images, twice as many add less than one point.
_base_ = './adamw_poly_camvid_cpu.py'
train_cfg = dict(max_iters=1200)
optim_wrapper = dict(constructor='DefaultOptimWrapperConstructor')  # of the recorded runs
