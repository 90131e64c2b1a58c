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
from .hard_self_labeling import HardSelfLabeling
from .located_cps import LocatedCPS
from .mean_teacher import MeanTeacher
from .potts_regularized import PottsRegularized
from .pseudo_label import PseudoLabel
from .scribble_mean_teacher import ScribbleMeanTeacher
from .scribble_supervised import ScribbleSupervised
from .soft_self_labeling import SoftSelfLabeling
from .supervised import Supervised
from .tree_energy import TreeEnergy
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
    'HardSelfLabeling',
    'LocatedCPS',
    'MeanTeacher',
    'PottsRegularized',
    'PseudoLabel',
    'ScribbleMeanTeacher',
    'ScribbleSupervised',
    'SemiSegmentor',
    'SoftSelfLabeling',
    'Supervised',
    'TreeEnergy',
    'UniMatchV1',
    'UniMatchV2',
]
