"""mIoU in % that papers report, by ``'<network> <data>'`` or ``'<network> <data> <variant>'``.

One text per list, in the order of the dataset's lists (or of the method's own); unknown values are empty.
"""

from typing import Dict, Tuple

PUBLISHED: Dict[str, Dict[str, Tuple[str, ...]]] = {
    'supervised': {
        'r50 cityscapes': ('61.67', '68.63', '73.22', '75.36'),
        'r50 voc': ('62.00', '67.16', '71.66', '74.05'),
        'r50 voc-eln': ('59.88', '67.63', '70.56', '76.6'),
        'r101 voc-eln': ('64.47', '69.52', '72.95', '78.24'),
        'r50 cityscapes-eln': ('59.88', '61.86', '67.63', '77.70'),
    },
    'mean_teacher': {
        'r50 cityscapes': ('66.14', '72.03', '74.47', '77.43'),
        'r101 cityscapes': ('68.08', '73.71', '76.53', '78.59'),
        'r50 voc': ('66.77', '70.78', '73.22', '75.41'),
        'r101 voc': ('70.59', '73.20', '76.62', '77.61'),
    },
    'cutmix_seg': {
        'r50 voc': ('68.90', '70.70', '72.46', '74.49'),
        'r101 voc': ('72.56', '72.69', '74.25', '75.89'),
        'r101 voc-classic': ('55.58', '63.20', '68.36', '69.84', '76.54'),
    },
    'cps': {
        'r50 voc': ('', '73.67', '', ''),
        'r50 cityscapes': ('', '', '', '78.77'),
        'r101 voc': ('74.5', '76.4', '77.7', ''),
        'r101 voc-classic': ('64.07', '67.42', '71.71', '75.88', ''),
        'r101 cityscapes': ('69.78', '74.31', '74.58', '76.81'),
    },
    'unimatch_v1': {
        'r50 voc-classic': ('71.9', '72.5', '76.0', '77.4', '78.7'),
        'r50 voc-u2pl': ('78.05', '78.96', '79.14', ''),
        'r50 cityscapes': ('75.0', '76.8', '77.5', '78.6'),
        'r101 voc': ('77.0', '77.4', '77.4', ''),
        'r101 voc-classic': ('75.2', '77.2', '78.8', '79.9', '81.2'),
        'r101 voc-u2pl': ('80.94', '81.92', '80.43', ''),
        'r101 cityscapes': ('76.6', '77.9', '79.2', '79.5'),
    },
    'unimatch_v2': {
        'dinov2s voc-classic': ('79.0', '85.5', '85.9', '86.7', '87.8'),
        'dinov2s cityscapes': ('80.6', '81.9', '82.4', '82.6'),
        'dinov2b voc-classic': ('86.3', '87.9', '88.9', '90.0', '90.8'),
        'dinov2b cityscapes': ('83.6', '84.3', '84.5', '85.1'),
    },
    'cpcl': {
        'r50 cityscapes': ('69.92', '74.60', '76.98', '78.17'),
        'r50 voc': ('71.66', '73.74', '74.58', '75.30'),
        'r101 voc': ('73.44', '76.40', '77.16', '77.67'),
        'r50 voc-classic': ('61.88', '67.02', '72.14', '74.25', '76.47'),
    },
    'farcluss': {
        'r101 cityscapes': ('78.8 (a)', '79.5 (a)', '80.5 (a)', '81.0 (a)'),
        'r101 voc': ('(b)', '(b)', '(b)', ''),
        'r101 voc-u2pl': ('(b)', '(b)', '(b)', ''),
        **{f'{net} voc-classic': ('(c)',) * 5 for net in ('r50', 'r101')},
    },
    'eln': {
        'r50 voc-eln': ('70.52', '73.20', '74.63'),
        'r101 voc-eln': ('72.52', '75.10', '76.58'),
        'r50 cityscapes-eln': ('70.33', '73.52', '75.33'),
        'r50 voc-eln filter-correction': ('67.14',),
        'r50 voc-eln filter-confidence': ('67.77',),
        'r50 voc-eln decoders-0': ('69.89',),
        'r50 voc-eln decoders-1': ('70.20',),
        'r50 voc-eln decoders-3': ('71.13',),
        'r50 voc-eln loss-pseudo': ('69.14',),
        'r50 voc-eln loss-contrast': ('69.30',),
    },
    'soft_self_labeling': {
        'mbv2 voc-scribble': ('71.22', '70.93', '67.84', '65.52', '59.04'),
        'mbv2 voc-scribble bilinear': ('67.24', '65.73', '63.81', '61.74', '56.42'),
        'mbv2 voc-scribble normalized-quadratic': ('71.12', '70.63', '67.80', '65.53', '59.01'),
        'mbv2 voc-scribble quadratic': ('71.05', '70.43', '67.81', '65.34', '58.92'),
        'mbv2 voc-scribble quadratic_dense': ('67.9',),
        'mbv2 voc-scribble collision-cross-entropy': ('67.41', '65.81', '63.81', '61.82', '56.40'),
        'mbv2 voc-scribble log-quadratic': ('71.21', '70.80', '67.81', '65.44', '59.03'),
        'r101 voc-scribble': ('77.7',),
        'r101 voc-scribble no-pretrain': ('76.7',),
        'r101 voc-scribble bs16': ('78.1',),
        'r101 voc-scribble no-pretrain_bs16': ('77.6',),
        'vit voc-scribble no-pretrain': ('80.8',),
        'vit voc-scribble no-pretrain_bs16': ('80.94',),
        'r101 cityscapes-block': ('72.4',),
        'r101 ade20k-block': ('39.7',),
    },
    'potts_regularized': {
        'r101 voc-scribble densecrf': ('75.8',),
        'r101 voc-scribble nonlocalcrf': ('75.7',),
        'r101 cityscapes-block gridcrf': ('69.5',),
        'r101 cityscapes-block densecrf': ('69.3',),
        'r101 ade20k-block gridcrf': ('37.7',),
        'r101 ade20k-block densecrf': ('37.4',),
    },
    'hard_self_labeling': {'r101 voc-scribble': ('75.6',)},
    'tree_energy': {
        'r101 voc-scribble': ('77.1',),
        'r101 cityscapes-block': ('71.5',),
        'r101 ade20k-block': ('39.2',),
    },
}
