"""One file, one method."""

from .base import SemiSegmentor
from .cpcl import CPCL
from .dueb import DUEB
from .eln import ELN
from .eln_warmup import ELNWarmup
from .mean_teacher import MeanTeacher
from .supervised import Supervised

__all__ = ['CPCL', 'DUEB', 'ELN', 'ELNWarmup', 'MeanTeacher', 'SemiSegmentor', 'Supervised']
