"""DUEB's aleatoric terms: cross entropy attenuated by the variance that a branch predicts."""

from typing import Tuple

from mmseg.registry import MODELS
from torch import Tensor

from ..ops import masked_mean
from ..structures import IGNORE_INDEX, Prediction
from .dueb_terms import MixedLabels, NoTerm, Terms, two_weights
from .losses import heteroscedastic_cross_entropy, release_aleatoric_loss


class AleatoricTerm(NoTerm):
    r"""Cross entropy attenuated by the predicted variance, on ground truth and on pseudo labels.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        num_samples: Monte-Carlo samples :math:`T`.
        sample_stride: The term sees every n-th row and column, which divides its cost by n squared.
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), num_samples: int = 10, sample_stride: int = 1) -> None:
        super().__init__()
        if num_samples < 1 or sample_stride < 1:
            raise ValueError(
                f'{type(self).__name__}: num_samples and sample_stride are at least 1, got {num_samples} and '
                f'{sample_stride}.'
            )
        self.weight = two_weights(type(self).__name__, weight)
        self.num_samples, self.sample_stride = num_samples, sample_stride

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch; see :class:`NoTerm`."""
        thin = (..., slice(None, None, self.sample_stride), slice(None, None, self.sample_stride))
        known = self.attenuated(sup.logits[thin], sup.side['variance'][thin], truth[thin])
        taught = self.attenuated(mixed.logits[thin], mixed.side['variance'][thin], pseudo.label[thin])
        return {
            'sup.loss_aleatoric': self.weight[0] * known,
            'unsup.loss_aleatoric': self.weight[1] * taught,
            'variance': masked_mean(mixed.side['variance'].detach().squeeze(1), over=pseudo.valid),
        }

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        raise NotImplementedError


@MODELS.register_module()
class KendallGalTerm(AleatoricTerm):
    """Kendall & Gal (2017): :func:`heteroscedastic_cross_entropy`, per pixel and reparametrized."""

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        loss = heteroscedastic_cross_entropy(logits, variance, label, self.num_samples)
        return masked_mean(loss, over=label != IGNORE_INDEX)


@MODELS.register_module()
class ReleaseAleatoricTerm(AleatoricTerm):
    """The public code's term: :func:`release_aleatoric_loss`."""

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        return release_aleatoric_loss(logits, variance, label, self.num_samples)
