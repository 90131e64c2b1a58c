"""One file, one method."""

from .base import SemiSegmentor
from .cpcl import CPCL
from .dueb import DUEB
from .mean_teacher import MeanTeacher
from .supervised import Supervised

__all__ = ['CPCL', 'DUEB', 'MeanTeacher', 'SemiSegmentor', 'Supervised']
