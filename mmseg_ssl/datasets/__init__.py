from ..errors import DatasetError
from .blocks import draw_blocks
from .camvid import CamVidDataset
from .checks import check_semi_dataset, fix_masks, inspect_data
from .msrc21 import MSRC21Dataset
from .pseudo_labeled_images import PseudoLabeledImages
from .semi_dataset import Draw, SemiDataset, semi_collate
from .semi_sampler import SemiSampler
from .shapes import ShapesDataset
from .splits import find_split, read_ids
from .strokes import draw_scribbles
from .transforms import (
    LoadDeepImage,
    LoadPseudoLabels,
    LoadScribbles,
    PackPseudoLabels,
    PackSemiInputs,
    ResizeScribbles,
)
from .unlabeled_images import UnlabeledImages

__all__ = [
    'CamVidDataset',
    'DatasetError',
    'Draw',
    'LoadDeepImage',
    'LoadPseudoLabels',
    'LoadScribbles',
    'MSRC21Dataset',
    'PackPseudoLabels',
    'PackSemiInputs',
    'PseudoLabeledImages',
    'ResizeScribbles',
    'SemiDataset',
    'SemiSampler',
    'ShapesDataset',
    'UnlabeledImages',
    'check_semi_dataset',
    'draw_blocks',
    'draw_scribbles',
    'find_split',
    'fix_masks',
    'inspect_data',
    'read_ids',
    'semi_collate',
]
