"""Training on scribbles alone: partial cross entropy, the baseline of every table of weak supervision."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ..branch import Branch
from ..scribble_losses import require_mean_over_labeled
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class ScribbleSupervised(SemiSegmentor):
    r"""Cross entropy on the scribbled pixels.

    ::

        sup --> student <-- scribbles

    .. math:: L = -\mathrm{mean}_{i \in S} \ln \sigma_i^{\bar y_i}

    (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 3, as a mean.) These are the host's losses, so class weights,
    samplers and auxiliary heads of the segmentor's config apply.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Raises:
        ValueError: If a head's cross entropy is averaged over pixels without a label.

    Deviations from the paper: none known.
    """

    def __init__(self, segmentor: dict, side_heads: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the loss of the scribbles alone (eq. 3)."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
