"""Zhang & Boykov, CVPR 2025, arXiv 2507.01721."""

from .tables import Paper, PaperTable, Row

METHOD = 'soft_self_labeling'
LENGTHS = ('0', '0.3', '0.5', '0.8', '1')
BY_LENGTH = tuple(f'length-{length}' for length in LENGTHS)
ALL = ('length-1',)
MASKS = ('full',)
PROTOCOL = (
    'DeepLabV3+, ImageNet weights, first scribbles alone; crop 513, batch 12, SGD 0.0007, poly 0.9, 60 epochs; labels '
    'by 200 steps of gradient descent at 0.075; color bandwidth 9; val mIoU on full masks, whole images, one scale'
)
MOBILENET = PROTOCOL.replace('DeepLabV3+', 'DeepLabV3+ with MobileNetV2')
BLOCKS = PROTOCOL.replace('bandwidth 9', 'bandwidth 3').replace('batch 12', 'batch not given')
RELAXATIONS = {
    'bilinear (P_BL)': 'bilinear',
    'normalized quadratic (P_NQ)': 'normalized-quadratic',
    'quadratic (P_Q)': 'quadratic',
    'collision cross entropy (P_CCE)': 'collision-cross-entropy',
    'collision divergence (P_CD)': '',
    'log-quadratic (P_LQ)': 'log-quadratic',
}


def on_voc(name: str, number: str = '', config: str = '', reason: str = '', lists: tuple = ()) -> Row:
    """Return a row of Table 5."""
    return Row(name, config, lists, (number,) if number else (), reason=reason)


TABLE_3 = PaperTable(
    'table3',
    'Potts relaxations by length of the scribbles: VOC val, MobileNetV2',
    LENGTHS,
    tuple(Row(name, f'{METHOD} mbv2 voc-scribble {end}'.strip()) for name, end in RELAXATIONS.items()),
    MOBILENET,
    lists=BY_LENGTH,
)
TABLE_4 = PaperTable(
    'table4',
    'neighborhoods, with P_Q and H_CCE: VOC val, MobileNetV2',
    ('mIoU',),
    (
        Row('nearest neighbors', f'{METHOD} mbv2 voc-scribble quadratic', numbers=('71.1',)),
        Row('dense', f'{METHOD} mbv2 voc-scribble quadratic_dense'),
    ),
    MOBILENET,
    lists=ALL,
    note='The number of this table was not given beside its values.',
)
SPECIAL = 'a system of its own, which this package does not have'
TABLE_5 = PaperTable(
    'table5',
    'Pascal VOC 2012 val, R-101 unless said',
    ('mIoU',),
    (
        on_voc('full masks: DeepLabV2, batch 12', config='supervised deeplabv2 voc-scribble', lists=MASKS),
        on_voc('full masks: V3+, batch 12', config='supervised r101 voc-scribble', lists=MASKS),
        on_voc('full masks: V3+, batch 16', config='supervised r101 voc-scribble bs16', lists=MASKS),
        on_voc('full masks: ViT-linear, batch 16', config='supervised vit voc-scribble bs16', lists=MASKS),
        on_voc('scribbles: BPG, V2', '73.2', reason=SPECIAL),
        on_voc('scribbles: URSS, V2', '74.6', reason=SPECIAL),
        on_voc('scribbles: SPML, V2', '74.2', reason=SPECIAL),
        on_voc('scribbles: PSI, V3+', '74.9', reason=SPECIAL),
        on_voc('scribbles: SEMINAR, V3+', '76.2', reason=SPECIAL),
        on_voc('scribbles: TEL, V3+, batch 16', config='tree_energy r101 voc-scribble bs16'),
        on_voc('scribbles: AGMM, ViT-linear, batch 16', '78.7', reason=SPECIAL),
        on_voc('scribbles: ScribbleSup, VGG16', '63.1', reason=f'{SPECIAL}; `vgg16` configs have its network'),
        on_voc('scribbles: DenseCRF loss, V3+, batch 12', config='potts_regularized r101 voc-scribble densecrf'),
        on_voc('scribbles: GridCRF, V3+, batch 12', config='hard_self_labeling r101 voc-scribble'),
        on_voc('scribbles: NonlocalCRF, V3+, batch 12', config='potts_regularized r101 voc-scribble nonlocalcrf'),
        on_voc('ours, V3+, batch 12, first of two', '77.5', reason='which loss this is was not readable'),
        on_voc('ours, V3+, batch 12', config=f'{METHOD} r101 voc-scribble'),
        on_voc('ours, V3+, batch 12, no pretraining', config=f'{METHOD} r101 voc-scribble no-pretrain'),
        on_voc('ours, V3+, batch 16', config=f'{METHOD} r101 voc-scribble bs16'),
        on_voc('ours, V3+, batch 16, no pretraining', config=f'{METHOD} r101 voc-scribble no-pretrain_bs16'),
        on_voc('ours, ViT-linear, batch 12, no pretraining', config=f'{METHOD} vit voc-scribble no-pretrain'),
        on_voc('ours, ViT-linear, batch 16, no pretraining', config=f'{METHOD} vit voc-scribble no-pretrain_bs16'),
    ),
    PROTOCOL,
    lists=ALL,
)


def on_blocks(data: str) -> tuple:
    """Return the rows of a dataset with block annotations."""
    title = dict(cityscapes='Cityscapes', ade20k='ADE20K')[data]
    named = {
        'DenseCRF': 'potts_regularized r101 {} densecrf',
        'GridCRF': 'potts_regularized r101 {} gridcrf',
        'TEL': 'tree_energy r101 {}',
        'ours': f'{METHOD} r101 {{}}',
    }
    return (
        Row(f'full masks, {title}', f'supervised r101 {data}-block', MASKS),
        *(Row(f'{name}, {title}', config.format(f'{data}-block'), ('share-0.5',)) for name, config in named.items()),
    )


SUPPLEMENT = PaperTable(
    'supplement',
    'block annotations: Cityscapes and ADE20K val, V3+',
    ('mIoU',),
    (*on_blocks('cityscapes'), *on_blocks('ade20k')),
    BLOCKS,
    note='The share of the blocks is not given, and probably 50 %; there are configs of 20 and 10 %, too.',
)
FIGURE_5 = PaperTable(
    'figure5',
    'cross entropies by length of the scribbles: VOC val, MobileNetV2',
    LENGTHS,
    (
        Row('collision', f'{METHOD} mbv2 voc-scribble'),
        Row('reverse', f'{METHOD} mbv2 voc-scribble ce-reverse'),
        Row('standard', f'{METHOD} mbv2 voc-scribble ce-standard'),
        Row('collision, with P_Q', f'{METHOD} mbv2 voc-scribble quadratic'),
        Row('reverse, with P_Q', f'{METHOD} mbv2 voc-scribble quadratic_ce-reverse'),
        Row('standard, with P_Q', f'{METHOD} mbv2 voc-scribble quadratic_ce-standard'),
    ),
    MOBILENET,
    lists=BY_LENGTH,
    drawing='lengths',
    note='A plot without numbers; those of the collision cross entropy are of Table 3. Its pairs were not readable.',
)
FIGURE_7 = PaperTable(
    'figure7',
    'soft labels, hard labels and gradient descent by length of the scribbles: VOC val, MobileNetV2',
    LENGTHS,
    (
        Row('soft self-labeling', f'{METHOD} mbv2 voc-scribble'),
        Row('hard self-labeling', 'hard_self_labeling mbv2 voc-scribble'),
        Row('gradient descent, eq. 4', 'potts_regularized mbv2 voc-scribble descent'),
        Row('gradient descent, GridCRF loss', 'potts_regularized mbv2 voc-scribble gridcrf'),
        Row('scribbles alone', 'scribble_supervised mbv2 voc-scribble'),
    ),
    MOBILENET,
    lists=BY_LENGTH,
    drawing='lengths',
    note='A plot without numbers; those of soft self-labeling are of Table 3.',
)
SOLVER = PaperTable(
    'appendix-a',
    'the solver of the labels',
    ('value',),
    (
        Row('mIoU with 100 steps instead of 200 (P_Q)', f'{METHOD} mbv2 voc-scribble quadratic_steps-100', ALL),
        Row(
            "soft Jaccard of the quadratic problem's labels to its optimum, 100 images",
            numbers=('0.992',),
            reason='no training',
            command='python -m pytest tests/test_targets -k quadratic_against_the_linear_system',
        ),
    ),
    '200 steps at 0.075 from the logits of the network, seeds set again before every step',
)
SOFT_SELF_LABELING = Paper(
    METHOD,
    ('SoftSelfLabeling', 'HardSelfLabeling', 'PottsRegularized', 'TreeEnergy'),
    'The text without its formulas and pictures, and notes of others for the labels of rows. No public code was found.',
    (
        PaperTable(
            'figure1',
            'Potts relaxations along two moves of a pair of labels',
            drawing='relaxations',
            note='Of the formulas of Tables 1 and 2.',
        ),
        PaperTable(
            'figure3',
            'three cross entropies between a prediction and a soft label',
            drawing='cross_entropies',
            note='Of eq. 9 to 11; the picture could not be seen.',
        ),
        TABLE_3,
        TABLE_4,
        FIGURE_5,
        TABLE_5,
        FIGURE_7,
        SUPPLEMENT,
        SOLVER,
    ),
)
