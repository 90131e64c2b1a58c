"""Networks, parts and methods; importing this registers them with mmseg."""

from ..errors import NetworkError
from .aleatoric_terms import KendallGalTerm, ReleaseAleatoricTerm
from .backbones import HuggingFaceBackbone
from .branch import Branch
from .class_rebalancing import ClassRebalancing
from .cutmix import CutMix
from .data_preprocessor import SemiDataPreProcessor
from .deeplab_heads import DeepLabV2Head, LargeFOVHead
from .dilated_vgg import DilatedVGG
from .ema_teacher import EMATeacher
from .energy_margins import EnergyMargins
from .energy_terms import EnergyWeighting, HingeEnergyTerm, JointEnergyTerm, ReleaseEnergyTerm
from .error_localizer import ErrorLocalizer
from .frozen_teacher import FrozenTeacher
from .fuzzy_labels import FuzzyLabels
from .localizer_baselines import ConfidenceThreshold, ErrorCorrector
from .plain_aspp_head import PlainASPPHead
from .potts_loss import PottsLoss
from .prototype_contrast import PrototypeContrast
from .reliability import EntropyReliability
from .scribble_labels import SelfLabeling
from .segmentors import (
    CPCL,
    CPS,
    DUEB,
    ELN,
    FARCLUSS,
    CutMixSeg,
    ELNWarmup,
    FixMatch,
    HardSelfLabeling,
    LocatedCPS,
    MeanTeacher,
    PottsRegularized,
    PseudoLabel,
    ScribbleMeanTeacher,
    ScribbleSupervised,
    SemiSegmentor,
    SoftSelfLabeling,
    Supervised,
    TreeEnergy,
    UniMatchV1,
    UniMatchV2,
)
from .semi_tta import SemiTTAModel
from .side_heads import EnergyHead, ProjectionHead, VarianceHead
from .strong_augment import StrongAugment
from .threshold import AdaptiveThreshold, FixedThreshold
from .trust import Trust
from .two_layer_head import TwoLayerASPPHead
from .with_side_heads import SideHeadsMixin

__all__ = [
    'AdaptiveThreshold',
    'Branch',
    'CPCL',
    'CPS',
    'ClassRebalancing',
    'ConfidenceThreshold',
    'CutMix',
    'CutMixSeg',
    'DUEB',
    'DeepLabV2Head',
    'DilatedVGG',
    'ELN',
    'ELNWarmup',
    'EMATeacher',
    'EnergyHead',
    'EnergyMargins',
    'EnergyWeighting',
    'EntropyReliability',
    'ErrorCorrector',
    'ErrorLocalizer',
    'FARCLUSS',
    'FixMatch',
    'FixedThreshold',
    'FrozenTeacher',
    'FuzzyLabels',
    'HardSelfLabeling',
    'HuggingFaceBackbone',
    'HingeEnergyTerm',
    'JointEnergyTerm',
    'KendallGalTerm',
    'LargeFOVHead',
    'LocatedCPS',
    'MeanTeacher',
    'NetworkError',
    'PlainASPPHead',
    'PottsLoss',
    'PottsRegularized',
    'ProjectionHead',
    'PrototypeContrast',
    'PseudoLabel',
    'ReleaseAleatoricTerm',
    'ReleaseEnergyTerm',
    'ScribbleMeanTeacher',
    'ScribbleSupervised',
    'SelfLabeling',
    'SemiDataPreProcessor',
    'SemiSegmentor',
    'SemiTTAModel',
    'SideHeadsMixin',
    'SoftSelfLabeling',
    'StrongAugment',
    'Supervised',
    'TreeEnergy',
    'Trust',
    'TwoLayerASPPHead',
    'UniMatchV1',
    'UniMatchV2',
    'VarianceHead',
]
