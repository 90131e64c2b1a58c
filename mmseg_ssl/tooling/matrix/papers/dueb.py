"""Thakur & Kurmi, WACV 2025, arXiv 2501.01640."""

from .tables import NO_CLASS, Paper, PaperTable, Row

SHARES = ('1/16', '1/8', '1/4', '1/2')
LISTS = ('1-16', '1-8', '1-4', '1-2')
FEW = ('92', '183', '366', '732', '1464')
NOT_READ = "the paper's numbers could not be read"
CITYSCAPES = (
    'DeepLabV3+ at stride 16; crop 800, batch 16 + 16, SGD 0.01, poly 0.9, epochs 128, 137, 160, 240; OHEM with class '
    'weights, unsupervised weight 5; val mIoU of one network, sliding window of the crop at stride 2/3, one scale'
)
VOC = (
    'DeepLabV3+ at stride 16; crop 512, batch 8 + 8, SGD 0.005, poly 0.9, epochs 32, 34, 40, 60; unsupervised '
    'weight 1; val mIoU of one network, sliding window of the crop at stride 2/3, one scale'
)

CITYSCAPES_TABLE = PaperTable(
    'cityscapes',
    "Cityscapes val, CPS's lists",
    SHARES,
    (
        Row('supervised, R-50', 'supervised r50 cityscapes'),
        Row('mean teacher, R-50', 'mean_teacher r50 cityscapes'),
        Row('CCT, R-50', numbers=('66.35', '72.46', '75.68', '76.78'), reason=NO_CLASS),
        Row('GCT, R-50', numbers=('65.81', '71.33', '75.30', '77.09'), reason=NO_CLASS),
        Row('CPCL, R-50', 'cpcl r50 cityscapes'),
        Row('DUEB, R-50', 'dueb r50 cityscapes', reason=NOT_READ),
        Row('mean teacher, R-101', 'mean_teacher r101 cityscapes'),
        Row('CCT, R-101', numbers=('69.64', '74.48', '76.35', '78.29'), reason=NO_CLASS),
        Row('GCT, R-101', numbers=('66.90', '72.96', '76.45', '78.58'), reason=NO_CLASS),
        Row('CPCL, R-101', 'cpcl r101 cityscapes', reason=NOT_READ),
        Row('DUEB, R-101', 'dueb r101 cityscapes', reason=NOT_READ),
    ),
    CITYSCAPES,
    lists=LISTS,
)
VOC_TABLE = PaperTable(
    'voc',
    "Pascal VOC 2012 val, CPS's lists of the 10582 images",
    SHARES,
    (
        Row('supervised, R-50', 'supervised r50 voc'),
        Row('mean teacher, R-50', 'mean_teacher r50 voc'),
        Row('CCT, R-50', numbers=('65.22', '70.87', '73.43', '74.75'), reason=NO_CLASS),
        Row('GCT, R-50', numbers=('64.05', '70.47', '73.45', '75.20'), reason=NO_CLASS),
        Row('CutMix-Seg, R-50', 'cutmix_seg r50 voc', reason="ours with the recipe of CutMix-Seg's public code"),
        Row('CPCL, R-50', 'cpcl r50 voc'),
        Row('DUEB, R-50', 'dueb r50 voc', reason=NOT_READ),
        Row('mean teacher, R-101', 'mean_teacher r101 voc'),
        Row('CCT, R-101', numbers=('67.94', '73.00', '76.17', '77.56'), reason=NO_CLASS),
        Row('GCT, R-101', numbers=('69.77', '73.30', '75.25', '77.14'), reason=NO_CLASS),
        Row('CutMix-Seg, R-101', 'cutmix_seg r101 voc', reason="ours with the recipe of CutMix-Seg's public code"),
        Row('CPCL, R-101', 'cpcl r101 voc'),
        Row('DUEB, R-101', 'dueb r101 voc', reason=NOT_READ),
    ),
    VOC,
    lists=LISTS,
)
CLASSIC_TABLE = PaperTable(
    'voc-classic',
    'Pascal VOC 2012 val, few labels: lists of PseudoSeg',
    FEW,
    (
        Row('CPCL, R-50', 'cpcl r50 voc-classic'),
        Row('DUEB, R-50', 'dueb r50 voc-classic', reason=NOT_READ),
        Row('mean teacher, R-101', 'mean_teacher r101 voc-classic'),
        Row('GCT, R-101', numbers=('46.04', '54.98', '64.71', '70.67', ''), reason=NO_CLASS),
        Row('CutMix-Seg, R-101', 'cutmix_seg r101 voc-classic'),
        Row('PseudoSeg, R-101', numbers=('57.60', '65.50', '69.14', '72.41', '73.23'), reason=NO_CLASS),
        Row('DUEB, R-101', 'dueb r101 voc-classic', reason=NOT_READ),
    ),
    VOC,
)


def ablation(name: str, data: str, title: str, protocol: str, *further: Row) -> PaperTable:
    """Return the ablation on some data, with 1/8 of the labels and R-50."""
    rows = {
        'neither (CPCL)': f'cpcl r50 {data}',
        'uncertainty alone': f'dueb r50 {data} uncertainty',
        'energy alone': f'dueb r50 {data} energy',
        'both (DUEB)': f'dueb r50 {data}',
        "neither, the public code's head": f'cpcl r50 {data} plain-head',
        "both, the public code's head": f'dueb r50 {data} plain-head',
    }
    known = tuple(
        Row(row, config, reason='' if row.startswith('neither (') else NOT_READ) for row, config in rows.items()
    )
    return PaperTable(
        name,
        f'uncertainty and energy, each off and on: {title}, 1/8, R-50',
        ('mIoU',),
        (*known, *further),
        protocol,
        lists=('1-8',),
    )


ABLATION = ablation(
    'ablation',
    'voc',
    'VOC',
    VOC,
    Row("uncertainty alone, the public code's step", 'dueb r50 voc release_uncertainty', reason=NOT_READ),
    Row("energy alone, the public code's step", 'dueb r50 voc release_energy', reason=NOT_READ),
    Row("both, the public code's step", 'dueb r50 voc release', reason=NOT_READ),
    Row('both, joint energy', 'dueb r50 voc energy-joint', reason='not of the paper'),
)
ABLATION_CITYSCAPES = ablation('ablation-cityscapes', 'cityscapes', 'Cityscapes', CITYSCAPES)
RANKS = 'critical differences (Nemenyi test, 5 %) of supervised training, CPCL and DUEB: {}'
SEEN = (
    'Supplement. The paper does not say over what the ranks are; here over classes, lists and seeds of the records, '
    'which are not independent of each other: a difference that is none here is none.'
)
DUEB = Paper(
    'dueb',
    ('CPCL', 'DUEB'),
    'The supplement; of the paper the abstract alone, so its tables are named by their subject. Numbers of the other '
    'systems are those that the public code of CPCL shows.',
    (
        CITYSCAPES_TABLE,
        VOC_TABLE,
        CLASSIC_TABLE,
        ABLATION,
        ABLATION_CITYSCAPES,
        PaperTable(
            'figure1',
            RANKS.format('Cityscapes, 1/8'),
            ('1/8',),
            tuple(Row(name, f'{name} r50 cityscapes') for name in ('supervised', 'cpcl', 'dueb')),
            CITYSCAPES,
            lists=('1-8',),
            drawing='ranks',
            note=SEEN,
        ),
        PaperTable(
            'figure2',
            RANKS.format('VOC, 1/8'),
            ('1/8',),
            tuple(Row(name, f'{name} r50 voc') for name in ('supervised', 'cpcl', 'dueb')),
            VOC,
            lists=('1-8',),
            drawing='ranks',
            note=SEEN,
        ),
        PaperTable(
            'figure3',
            'predictions beside those of CPCL, and the predicted variance',
            drawing='variance',
            note='Supplement, Cityscapes 1/8. The picture could not be seen, and the variance is an addition.',
        ),
    ),
)
