"""Networks, parts and methods; importing this registers them with mmseg."""

from .branch import Branch
from .cutmix import CutMix
from .data_preprocessor import SemiDataPreProcessor
from .ema_teacher import EMATeacher
from .error_localizer import ErrorLocalizer
from .localizer_baselines import ConfidenceThreshold, ErrorCorrector
from .segmentors import CPCL, DUEB, ELN, ELNWarmup, MeanTeacher, SemiSegmentor, Supervised
from .side_heads import EnergyHead, ProjectionHead, VarianceHead
from .strong_augment import StrongAugment

__all__ = [
    'CPCL',
    'DUEB',
    'Branch',
    'ConfidenceThreshold',
    'CutMix',
    'ELN',
    'ELNWarmup',
    'EMATeacher',
    'EnergyHead',
    'ErrorCorrector',
    'ErrorLocalizer',
    'MeanTeacher',
    'ProjectionHead',
    'SemiDataPreProcessor',
    'SemiSegmentor',
    'StrongAugment',
    'Supervised',
    'VarianceHead',
]
