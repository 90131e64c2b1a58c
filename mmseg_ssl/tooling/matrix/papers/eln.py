"""Kwon & Kwak, CVPR 2022, arXiv 2204.02078."""

from .tables import NO_CLASS, Paper, PaperTable, Row

VOC = (
    'DeepLabV3+; images resized to 512x512 without a crop, in training and in scoring; AdamW 1e-4, weight decay 1e-5, '
    'batch 6 + 6, 500 epochs of 266 iterations (public code); val mIoU of the student, mean of 3 random subsets'
)
CITYSCAPES = (
    'DeepLabV3+; crop 512x1024, scored at 1024x2048; AdamW 1e-4, batch 4 + 4, 500 epochs of 266 iterations (public '
    'code); val mIoU of the student, mean of 3 random subsets'
)
ABLATION = VOC.replace('DeepLabV3+', 'DeepLabV3+ with R-50, 1/20 of the labels')
V2 = '`cutmix_seg` has no config of DeepLabV2'
OTHER_LISTS = 'on lists and with a recipe of its own paper; `cutmix_seg` has neither for this table'

TABLE_1 = PaperTable(
    'table1',
    'Pascal VOC 2012 val',
    ('1/20', '1/8', '1/4', 'full'),
    (
        Row('baseline, R-50', 'supervised r50 voc-eln'),
        Row('ELN, R-50', 'eln r50 voc-eln', lists=('1-20', '1-8', '1-4', '')),
        Row('baseline, R-101', 'supervised r101 voc-eln'),
        Row('ELN, R-101', 'eln r101 voc-eln', lists=('1-20', '1-8', '1-4', '')),
        Row('CutMix, DeepLabV2 R-101', numbers=('66.48', '67.60', '', '72.54'), reason=V2),
        Row('S4GAN + MLMT, DeepLabV2', numbers=('62.9', '67.3', '', '73.2'), reason=NO_CLASS),
        Row('GCT, DeepLabV2', numbers=('', '72.14', '73.62', '75.73'), reason=NO_CLASS),
        Row('Alonso et al., DeepLabV2', numbers=('67.8', '69.9', '', '72.6'), reason=NO_CLASS),
        Row('ECS, R-50', numbers=('', '70.22', '72.60', '76.29'), reason=NO_CLASS),
        Row('Lai et al. (CAC), R-50', numbers=('', '72.4', '74.0', '76.5'), reason=NO_CLASS),
        Row('Alonso et al., R-50', numbers=('69.1', '71.8', '', '75.9'), reason=NO_CLASS),
        Row('CutMix, R-101', numbers=('69.57', '72.45', '', '76.73'), reason=OTHER_LISTS),
        Row('Lai et al. (CAC), R-101', numbers=('', '74.6', '76.3', '78.2'), reason=NO_CLASS),
    ),
    VOC,
    lists=('1-20', '1-8', '1-4', 'full'),
    draws=3,
)
TABLE_2 = PaperTable(
    'table2',
    'Cityscapes val',
    ('1/8', '1/4', '1/2', 'full'),
    (
        Row('baseline, R-50', 'supervised r50 cityscapes-eln', reason="59.88 and 67.63 are also in Table 1's row"),
        Row('ELN, R-50', 'eln r50 cityscapes-eln', lists=('1-8', '1-4', '1-2', '')),
        Row('CutMix, DeepLabV2', numbers=('60.34', '63.87', '', '67.68'), reason=V2),
        Row('S4GAN, DeepLabV2', numbers=('59.3', '61.9', '', '65.8'), reason=NO_CLASS),
        Row('Alonso et al., DeepLabV2', numbers=('63.0', '64.8', '', '66.4'), reason=NO_CLASS),
        Row('ECS, R-50', numbers=('67.38', '70.70', '72.89', '74.76'), reason=NO_CLASS),
        Row('Lai et al. (CAC), R-50', numbers=('69.7', '72.7', '', '77.5'), reason=NO_CLASS),
        Row('Alonso et al., R-50', numbers=('70.0', '71.6', '', '74.2'), reason=NO_CLASS),
    ),
    CITYSCAPES,
    lists=('1-8', '1-4', '1-2', 'full'),
    draws=3,
)
TABLE_3 = PaperTable(
    'table3',
    'who filters the pseudo-labels: VOC, 1/20, R-50',
    ('mIoU',),
    (
        Row('ELN', 'eln r50 voc-eln'),
        Row('s-ECN (error correction)', 'eln r50 voc-eln filter-correction'),
        Row(
            'confidence threshold',
            'eln r50 voc-eln filter-confidence',
            reason='the paper does not give the threshold; 0.9 here',
        ),
    ),
    ABLATION,
    lists=('1-20',),
    draws=3,
)
FOUND = ('error_P', 'error_R', 'error_F1')
TABLE_4 = PaperTable(
    'table4',
    'who finds the errors of the pseudo-labels: VOC, 1/20, R-50',
    ('precision', 'recall', 'F1'),
    (
        Row(
            'ELN',
            'eln r50 voc-eln',
            numbers=('69.61', '96.73', '78.81'),
            keys=tuple(f'localizer/{key}' for key in FOUND),
        ),
        Row(
            's-ECN (error correction)',
            'eln r50 voc-eln filter-correction',
            numbers=('70.60', '82.94', '74.24'),
            keys=tuple(f'localizer/{key}' for key in FOUND),
        ),
        Row(
            'confidence threshold',
            'eln r50 voc-eln filter-confidence',
            numbers=('70.54', '87.83', '76.27'),
            keys=tuple(f'confidence@0.9/{key}' for key in FOUND),
        ),
    ),
    'on the unlabeled training images, with the networks of Table 3',
    lists=('1-20',) * 3,
    note='In %. Ours are those of errors, of the first network on the validation images. On the unlabeled images, of '
    'which the table is: `python tools/test.py <config> <checkpoint> --unlabeled --predict-on teacher`.',
)
TABLE_5 = PaperTable(
    'table5',
    'number of auxiliary decoders: VOC, 1/20, R-50',
    ('mIoU',),
    (
        Row('0', 'eln r50 voc-eln decoders-0'),
        Row('1 (alpha 20)', 'eln r50 voc-eln decoders-1'),
        Row('2 (20, 50)', 'eln r50 voc-eln'),
        Row('3 (20, 50, 100)', 'eln r50 voc-eln decoders-3'),
    ),
    ABLATION,
    lists=('1-20',),
    draws=3,
)
TABLE_6 = PaperTable(
    'table6',
    'losses of unlabeled images: VOC, 1/20, R-50',
    ('mIoU',),
    (
        Row('threshold alone, without L_contra', 'eln r50 voc-eln filter-confidence'),
        Row('L_pseudo', 'eln r50 voc-eln loss-pseudo'),
        Row('L_contra', 'eln r50 voc-eln loss-contrast'),
        Row('L_pseudo + L_contra', 'eln r50 voc-eln'),
    ),
    ABLATION,
    lists=('1-20',),
    draws=3,
)
ELN = Paper(
    'eln',
    ('ELNWarmup', 'ELN'),
    'The whole text without its pictures.',
    (
        TABLE_1,
        TABLE_2,
        TABLE_3,
        TABLE_4,
        TABLE_5,
        TABLE_6,
        PaperTable(
            'figure5',
            'where pseudo-labels are wrong, and where the localizer says so',
            drawing='errors',
            note='The picture could not be seen: drawn is what its subject is here.',
        ),
        PaperTable(
            'figure6',
            'predictions beside those of supervised training',
            drawing='predictions',
            note='The picture could not be seen: drawn is what its subject is here.',
        ),
    ),
)
