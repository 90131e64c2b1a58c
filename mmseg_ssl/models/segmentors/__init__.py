"""One file, one method."""

from .base import SemiSegmentor
from .cpcl import CPCL
from .cps import CPS
from .dueb import DUEB
from .eln import ELN
from .eln_warmup import ELNWarmup
from .farcluss import FARCLUSS
from .fixmatch import FixMatch
from .mean_teacher import MeanTeacher
from .pseudo_label import PseudoLabel
from .supervised import Supervised

__all__ = [
    'CPCL',
    'CPS',
    'DUEB',
    'ELN',
    'ELNWarmup',
    'FARCLUSS',
    'FixMatch',
    'MeanTeacher',
    'PseudoLabel',
    'SemiSegmentor',
    'Supervised',
]
