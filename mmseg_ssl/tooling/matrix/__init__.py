"""The matrix of configs: methods x networks x data x lists x variants. ``tools/make_configs.py`` writes the files.

- ``conditions``: networks, data with their lists, recipes (data and schedule, as a paper has them);
- ``baselines``, ``pairs``, ``systems``, ``scribbles``, ``self_labelers``: one entry per method, with its options;
- ``published``: results of the papers.
"""

from . import baselines, pairs, scribbles, self_labelers, systems
from .conditions import DATA, NETWORKS
from .published import PUBLISHED
from .rows import Code, Data, Leaf, Method, Network, Recipe, Variant

METHODS = [
    baselines.SUPERVISED,
    baselines.PSEUDO_LABEL,
    baselines.MEAN_TEACHER,
    baselines.CUTMIX_SEG,
    pairs.CPS,
    baselines.FIXMATCH,
    baselines.UNIMATCH_V1,
    baselines.UNIMATCH_V2,
    pairs.CPCL,
    pairs.DUEB,
    systems.ELN,
    systems.FARCLUSS,
    scribbles.SCRIBBLE_SUPERVISED,
    scribbles.POTTS_REGULARIZED,
    scribbles.TREE_ENERGY,
    self_labelers.HARD_SELF_LABELING,
    self_labelers.SOFT_SELF_LABELING,
    self_labelers.SCRIBBLE_MEAN_TEACHER,
]

__all__ = [
    'DATA',
    'METHODS',
    'NETWORKS',
    'PUBLISHED',
    'Code',
    'Data',
    'Leaf',
    'Method',
    'Network',
    'Recipe',
    'Variant',
]
