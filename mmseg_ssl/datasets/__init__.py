from .camvid import CamVidDataset
from .checks import check_semi_dataset
from .errors import DatasetError
from .semi_dataset import Draw, SemiDataset, semi_collate
from .semi_sampler import SemiSampler
from .shapes import ShapesDataset
from .splits import find_split, read_ids
from .transforms import PackSemiInputs
from .unlabeled_images import UnlabeledImages

__all__ = [
    'CamVidDataset',
    'DatasetError',
    'Draw',
    'PackSemiInputs',
    'SemiDataset',
    'SemiSampler',
    'ShapesDataset',
    'UnlabeledImages',
    'check_semi_dataset',
    'find_split',
    'read_ids',
    'semi_collate',
]
