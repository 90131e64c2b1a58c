"""One file, one method."""

from .base import SemiSegmentor
from .cpcl import CPCL
from .cps import CPS
from .cutmix_seg import CutMixSeg
from .dueb import DUEB
from .eln import ELN
from .eln_warmup import ELNWarmup
from .farcluss import FARCLUSS
from .fixmatch import FixMatch
from .located_cps import LocatedCPS
from .mean_teacher import MeanTeacher
from .pseudo_label import PseudoLabel
from .supervised import Supervised
from .unimatch_v1 import UniMatchV1
from .unimatch_v2 import UniMatchV2

__all__ = [
    'CPCL',
    'CPS',
    'CutMixSeg',
    'DUEB',
    'ELN',
    'ELNWarmup',
    'FARCLUSS',
    'FixMatch',
    'LocatedCPS',
    'MeanTeacher',
    'PseudoLabel',
    'SemiSegmentor',
    'Supervised',
    'UniMatchV1',
    'UniMatchV2',
]
