"""Losses for images with a few labeled pixels, with which the paper of soft self-labeling compares it."""

from dataclasses import replace

from .conditions import EARLIER, FROZEN, LENGTHS, MBV2_R101, SMALL, VOC_VIT, WITH_EARLIER, scribble_recipes
from .parts import LARGER_BATCH
from .rows import Leaf, Method, Variant

SOFT = (
    'Soft Self-labeling and Potts Relaxations for Weakly-Supervised Segmentation',
    'https://arxiv.org/abs/2507.01721',
)
FIRST = dict(load_from='work_dirs/scribble-supervised_{net}_{data}_{list}/last_checkpoint')
RESULTS = '../../docs/scribbles.md#results'


def pictures(bandwidth: float) -> Leaf:
    """Return the hook that draws labels."""
    return dict(custom_hooks=[dict(type='ScribbleVisHook', interval=1000, bandwidth=bandwidth)])


SCRIBBLE_SUPERVISED = Method(
    'scribble_supervised',
    'ScribbleSupervised',
    'Partial cross entropy',
    SOFT,
    (*scribble_recipes(WITH_EARLIER, stages=''), VOC_VIT),
    lists={f'{net} voc-scribble': LENGTHS[:1] for net in ('r101', 'vit', *EARLIER)},
    prefix='scribble-supervised',
    results=RESULTS,
)
GRID = dict(relaxation='quadratic', weight=100.0, normalization='edges', connectivity=8, bandwidth='adaptive')
DENSE = dict(relaxation='bilinear', neighborhood='dense', weight=2.5e-10, normalization='images', bandwidth=15.0)
NONLOCAL = dict(relaxation='quadratic', neighborhood='nonlocal', weight=100.0, normalization='edges')
IN_CAMVID = dict(relaxation='quadratic', weight=6.0, normalization='pixels')


GRID_NOTE = "Loss and weight of the public code of the robust trust region: mean over 8 neighbors' edges."
DENSE_NOTE = '2e-9 of the public code counts ordered pairs at half resolution; 2e-9 * 2 / 16 pairs at full resolution.'
NETWORKS_OF = {'voc-scribble': MBV2_R101, 'camvid-scribble': SMALL, 'msrc21-scribble': FROZEN}


def crf_loss(kind: str, data: str, options: dict, note: str = '', bandwidth: float = 0.0, eta: float = 0.0) -> Variant:
    """Return one of the CRF losses."""
    leaf = dict(model=dict(eta=eta, potts=options), **(pictures(bandwidth) if bandwidth else {}))
    networks = NETWORKS_OF.get(data, ('r101',))
    lists = LENGTHS[:1] if 'scribble' in data else ()
    return Variant(kind, leaf, (data,), lists, networks, whole=True, note=note)


POTTS_REGULARIZED = Method(
    'potts_regularized',
    'PottsRegularized',
    'Potts losses',
    ('On Regularized Losses for Weakly-supervised CNN Segmentation', 'https://arxiv.org/abs/1803.09569'),
    tuple(replace(recipe, networks=(), only_variants=(*WITH_EARLIER, *FROZEN)) for recipe in scribble_recipes(())),
    on={'scribble': FIRST, 'block': FIRST},
    variants=(
        *(
            replace(row, networks=('mbv2',), lists=LENGTHS)
            for row in (
                crf_loss('gridcrf', 'voc-scribble', GRID, GRID_NOTE, 9.0),
                crf_loss(
                    'descent',
                    'voc-scribble',
                    dict(relaxation='quadratic', weight=6.0, bandwidth=9.0),
                    'Figure 7: eq. 4 by gradient descent, with the eta and lambda of eq. 8; its own are not published.',
                    9.0,
                    eta=0.3,
                ),
            )
        ),
        replace(crf_loss('gridcrf', 'voc-scribble', GRID, GRID_NOTE, 9.0), networks=('r101',)),
        replace(crf_loss('densecrf', 'voc-scribble', DENSE, DENSE_NOTE, 15.0), networks=WITH_EARLIER),
        crf_loss(
            'nonlocalcrf',
            'voc-scribble',
            NONLOCAL,
            '4 neighbors and 8 random pixels within 100; weights are not published.',
            9.0,
        ),
        *(crf_loss('gridcrf', data, GRID) for data in ('cityscapes-block', 'ade20k-block')),
        *(crf_loss('densecrf', data, DENSE) for data in ('cityscapes-block', 'ade20k-block')),
        *(crf_loss('gridcrf', data, IN_CAMVID) for data in ('camvid-scribble', 'msrc21-scribble')),
        Variant(
            'densecrf',
            dict(
                model=dict(
                    potts=dict(DENSE, weight=1e-3, normalization='pixels', spatial_bandwidth=50.0, resolution=32)
                )
            ),
            ('camvid-scribble',),
            LENGTHS[:1],
            ('mbv2',),
            of='gridcrf',
            note="Weight: the mean of a pixel's affinities is some thousands here, not 4.",
        ),
        Variant(
            'nonlocalcrf',
            dict(model=dict(potts=dict(neighborhood='nonlocal', radius=50.0))),
            ('camvid-scribble',),
            LENGTHS[:1],
            ('mbv2',),
            of='gridcrf',
        ),
    ),
    prefix='potts-regularized',
    results=RESULTS,
)
TREE_ENERGY = Method(
    'tree_energy',
    'TreeEnergy',
    'Tree energy loss',
    ('Tree Energy Loss: Towards Sparsely Annotated Semantic Segmentation', 'https://arxiv.org/abs/2203.10739'),
    scribble_recipes(MBV2_R101),
    leaf=dict(model=dict(tree=dict(weight=0.4, sigma=0.02))),
    on={
        'scribble': dict(**FIRST, **pictures(9.0)),
        'block': FIRST,
        'cityscapes-block': dict(model=dict(tree=dict(sigma=0.002))),
    },
    lists={'camvid-scribble': LENGTHS[:1], 'voc-scribble': LENGTHS[:1]},
    variants=(Variant('bs16', LARGER_BATCH, ('voc-scribble',), networks=('r101',), batch=16),),
    prefix='tree-energy',
    results=RESULTS,
)
