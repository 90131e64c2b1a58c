"""Training on scribbles alone: partial cross entropy, the baseline of every table of weak supervision."""

from typing import Any, Optional, Tuple

from mmseg.models.losses import CrossEntropyLoss
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import nn

from ..branch import Branch
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class ScribbleSupervised(SemiSegmentor):
    r"""Cross entropy on the scribbled pixels; the base of the methods that say something about the others too.

    ::

        sup --> student <-- scribbles

    .. math:: L = -\mathrm{mean}_{i \in S} \ln \sigma_i^{\bar y_i}

    (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 3, as a mean.) These are the host's losses, so class weights,
    samplers and auxiliary heads of the segmentor's config count. The methods derived from this one go on with a second
    stage, ``full``: :attr:`stage` names the one that runs, and ``StageHook`` sets it by the iteration.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Raises:
        ValueError: If a head's cross entropy is averaged over pixels without a label.

    Deviations from the paper: none known.
    """

    stages: Tuple[str, ...] = ('pretrain',)
    """Phases of training, in order; the last one is the default."""

    def __init__(self, segmentor: dict, side_heads: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)
        self.stage = self.stages[-1]

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step of the current stage."""
        return getattr(self, f'{self.stage}_losses')(inputs, data_samples)

    def pretrain_losses(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """The scribbles alone (eq. 3)."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')


def require_mean_over_labeled(network: nn.Module) -> None:
    """Refuse the host's default mean over all pixels, where 3 % of them are labelled.

    Args:
        network: What holds the losses.

    Raises:
        ValueError: A ``CrossEntropyLoss`` lacks ``avg_non_ignore=True``.
    """
    for name, module in network.named_modules():
        if isinstance(module, CrossEntropyLoss) and not module.avg_non_ignore:
            raise ValueError(
                f'{name} averages over all pixels, but scribbles label a few of them: the loss would depend on their '
                'number. Set loss_decode=dict(avg_non_ignore=True).'
            )
