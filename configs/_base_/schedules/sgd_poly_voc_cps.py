# CPS on VOC 2012: as sgd_poly_voc.py with batch 16 (4 processes of 4).
# Iterations: the paper's epochs times the draws of an epoch, max(labeled, unlabeled) // 16.
_base_ = './sgd_poly_voc.py'
iters = {
    '1-16': 32 * (9920 // 16),  # 19840
    '1-8': 34 * (9259 // 16),  # 19652
    '1-4': 40 * (7936 // 16),  # 19840
    '1-2': 60 * (5291 // 16),  # 19800
    # 92 to 1464 labels, all 10582 images unlabeled: the paper's epochs are not known here, so those of 1/16
    'classic': 32 * (10582 // 16),  # 21152
}
iters.update({'662': iters['1-16'], '1323': iters['1-8'], '2646': iters['1-4'], '5291': iters['1-2']})  # U2PL lists
auto_scale_lr = dict(base_batch_size=16)
train_cfg = dict(max_iters=iters['1-8'])
