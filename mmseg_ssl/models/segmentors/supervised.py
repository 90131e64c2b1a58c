"""Training on labeled images alone: the baseline of every table."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ..branch import Branch
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class Supervised(SemiSegmentor):
    """Supervised training of one network in the frame of the other methods: same data, draws and preprocessing.

    ::

        sup --> student <-- ground truth

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from mmseg: none known.
    """

    def __init__(self, segmentor: dict, side_heads: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        pred = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(pred, data_samples['sup']), 'sup')
