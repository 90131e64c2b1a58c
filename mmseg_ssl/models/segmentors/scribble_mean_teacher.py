"""Mean teacher on unlabelled images, with scribbles in the place of full masks on the labelled ones."""

from typing import Any, List, Optional

from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ...structures import Prediction
from ..self_labeling import SelfLabeling
from .base import LossDict
from .mean_teacher import MeanTeacher
from .scribble_supervised import require_mean_over_labeled


@MODELS.register_module()
class ScribbleMeanTeacher(MeanTeacher):
    r"""A few scribbled images, and many without any label.

    ::

        sup    --> student <-- scribbles; soft labels elsewhere <-- eq. 8: scribbles, colours, prediction
        strong --> student <-- probabilities <-- teacher <-- weak
                      `-------- EMA (MeanTeacherHook) --------^

    The labelled images' losses are those of :class:`SoftSelfLabeling`, all else is :class:`MeanTeacher`: still one
    merged student call. Stages: ``pretrain``, without soft labels, and ``full``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        self_labeling: As for :class:`SoftSelfLabeling`.
        **kwargs: As for :class:`MeanTeacher`.

    Deviations from the papers: none beside those of the two methods; their combination is ours.
    """

    stages = ('pretrain', 'full')

    def __init__(self, segmentor: dict, self_labeling: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(segmentor, **kwargs)
        require_mean_over_labeled(self.student)
        self.self_labeling = SelfLabeling(**(self_labeling or {}))
        self.stage = self.stages[-1]

    def labeled_losses(self, images: Tensor, sup: Prediction, samples: List[SegDataSample]) -> LossDict:
        """Losses of the scribbled images in the current stage."""
        return getattr(self, f'{self.stage}_losses')(images, sup, samples)

    def pretrain_losses(self, images: Tensor, sup: Prediction, samples: List[SegDataSample]) -> LossDict:
        """The scribbles alone."""
        return super().labeled_losses(images, sup, samples)

    def full_losses(self, images: Tensor, sup: Prediction, samples: List[SegDataSample]) -> LossDict:
        """Scribbles and soft labels (eq. 8)."""
        scribbles = self.data_preprocessor.scribbles(images, samples)
        label = self.self_labeling(sup.logits, scribbles)
        losses = super().labeled_losses(images, sup, samples)
        losses.update(self.self_labeling.losses(sup.logits, label, scribbles, self.unsup_scale))
        return losses
