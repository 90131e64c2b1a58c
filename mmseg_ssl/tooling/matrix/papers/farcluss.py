"""Tarubinga, Kalafatovich & Lee, Neural Networks 2026, arXiv 2506.11142."""

from .tables import NO_CLASS, Paper, PaperTable, Row

SHARES = ('1/16', '1/8', '1/4', '1/2')
VOC = (
    "DeepLabV3+ at stride 8; crop 321, batch 16, SGD 0.001 (head times 10), poly 0.9, 80 epochs (of the authors' other "
    'public code); val mIoU, whole images'
)
CITYSCAPES = "DeepLabV3+; not published, so UniMatch's recipe: crop 801, SGD 0.005, 240 epochs, OHEM, sliding window"
FAMILY = 'which family of lists is not said'
NOT_READ = "The paper's numbers could not be read."
LOW_TRUST = "of the authors' table of baselines, some of whose UniMatch rows differ from the official ones"
CLASSIC = 'the counts of unlabeled images suggest shares of the 10582 images, not these lists'

VOC_CLASSIC = PaperTable(
    'voc-classic',
    'Pascal VOC 2012 val, "Classic"',
    SHARES,
    (
        Row('FARCLUSS, R-50', 'farcluss r50 voc-classic', numbers=('72.90', '76.18', '76.50', '77.69'), reason=CLASSIC),
        Row(
            'FARCLUSS, R-101', 'farcluss r101 voc-classic', numbers=('76.40', '78.20', '79.00', '80.30'), reason=CLASSIC
        ),
        Row('UniMatch, R-101', 'unimatch_v1 r101 voc-classic'),
        Row('FPL, R-101', numbers=('69.30', '71.72', '75.73', '78.95'), reason=NO_CLASS),
        Row('ESL, R-101', numbers=('70.97', '74.06', '78.14', '79.53'), reason=NO_CLASS),
        Row('CW-BASS, R-101', numbers=('76.1', '77.5', '78.0', '79.4'), reason=NO_CLASS),
    ),
    VOC,
    lists=('92', '183', '366', '732'),
    note='Rows of the other systems are from their own papers.',
)
VOC_BLENDED = PaperTable(
    'voc-blended',
    'Pascal VOC 2012 val, "Blended", R-101',
    ('662', '1323', '2646'),
    (
        Row('FARCLUSS, lists of CPS', 'farcluss r101 voc', numbers=('78.5', '79.0', '79.8'), reason=FAMILY),
        Row(
            'FARCLUSS, lists of U2PL',
            'farcluss r101 voc-u2pl',
            lists=('662', '1323', '2646'),
            numbers=('78.5', '79.0', '79.8'),
            reason=FAMILY,
        ),
        Row('UniMatch, lists of CPS', 'unimatch_v1 r101 voc'),
        Row('UniMatch, lists of U2PL', 'unimatch_v1 r101 voc-u2pl', lists=('662', '1323', '2646')),
        Row('FPL', numbers=('74.98', '77.75', '78.30'), reason=NO_CLASS),
        Row('ESL', numbers=('76.36', '78.57', '79.02'), reason=NO_CLASS),
    ),
    VOC,
    lists=('1-16', '1-8', '1-4'),
    note='Rows of the other systems are from their own papers.',
)
CITYSCAPES_TABLE = PaperTable(
    'cityscapes',
    'Cityscapes val, R-101',
    SHARES,
    (
        Row('FARCLUSS', 'farcluss r101 cityscapes', reason=LOW_TRUST),
        Row('UniMatch', 'unimatch_v1 r101 cityscapes'),
        Row('FPL', numbers=('75.74', '78.47', '79.19', ''), reason=NO_CLASS),
        Row('ESL', numbers=('75.12', '77.15', '78.93', '80.46'), reason=NO_CLASS),
        Row('CW-BASS', numbers=('77.3', '78.1', '79.2', '80.1'), reason=NO_CLASS),
    ),
    CITYSCAPES,
    lists=('1-16', '1-8', '1-4', '1-2'),
    note='Rows of the other systems are from their own papers.',
)
PARTS = ('labels', 'reliability', 'rebalancing', 'contrast')
ABLATION = PaperTable(
    'ablation',
    'the four parts, each off and alone: VOC, 1/8, R-50',
    ('mIoU',),
    (
        Row('all four', 'farcluss r50 voc'),
        Row('none', 'farcluss r50 voc all-off'),
        *(Row(f'{part} off', f'farcluss r50 voc {part}-off') for part in PARTS),
        *(Row(f'{part} alone', f'farcluss r50 voc {part}-only') for part in PARTS),
    ),
    VOC,
    lists=('1-8',),
    note=NOT_READ,
)
CLASSES_KEPT = PaperTable(
    'ablation-k',
    'classes that a label keeps: VOC, 1/8, R-50',
    ('mIoU',),
    (
        Row('1 (hard labels)', 'farcluss r50 voc k-1'),
        Row('2', 'farcluss r50 voc k-2'),
        Row('3', 'farcluss r50 voc'),
        Row('5', 'farcluss r50 voc k-5'),
        Row('all', 'farcluss r50 voc k-all'),
    ),
    VOC,
    lists=('1-8',),
    note=NOT_READ,
)
FARCLUSS = Paper(
    'farcluss',
    ('FARCLUSS',),
    "The project page and the introduction; neither the tables' numbers in the paper nor those of its ablations, so "
    'tables are named by their subject.',
    (VOC_CLASSIC, VOC_BLENDED, CITYSCAPES_TABLE, ABLATION, CLASSES_KEPT),
)
