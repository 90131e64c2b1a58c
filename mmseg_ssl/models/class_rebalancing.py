"""Running class frequencies of the labels, and weights that make up for them."""

import torch
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import class_rarity
from ..structures import PixelTarget
from ..utils.choices import one_of, share_of_new

COUNTS = ('soft', 'hard')
WEIGHTS = ('pixel', 'class')
TINY = torch.finfo(torch.float32).tiny  # all weights may be 0


@MODELS.register_module()
class ClassRebalancing(nn.Module):
    r"""Weights of targets by the rarity of their classes.

    .. math:: f_c \leftarrow (1 - m)\, f_c + m\, \frac{n_c}{\sum_k n_k}, \quad n_c = \sum_i \tilde y_{ic}, \qquad
              \omega_i = \sum_c \tilde y_{ic}\, \omega_c(f)

    with :math:`\omega_c` of :func:`class_rarity`. With ``weights='pixel'`` a pixel's cross entropy is multiplied by
    :math:`\omega_i`: among pixels that look alike the optimum is still the label's proportions, so a class that is
    nowhere the likeliest stays so. With ``'class'`` every term has its own weight,

    .. math:: - \sum_c \omega_c\, \tilde y_{ic} \ln p_{ic}
              = \omega_i \Big[ - \sum_c \hat y_{ic} \ln p_{ic} \Big], \qquad
              \hat y_{ic} = \omega_c\, \tilde y_{ic} / \omega_i

    and the optimum leans toward rare classes. For one-hot labels both are the same.

    The frequencies are those of all processes, in a buffer. The share of the new batch is :math:`\max(1 / (t + 1), m)`
    at update :math:`t`, so early frequencies are means of the batches so far.

    Args:
        num_classes: ``C``.
        exponent: :math:`g \ge 0`; 0 switches the weights off.
        low: Lower bound of a class's weight, before their mean is set to 1.
        high: Upper bound.
        momentum: :math:`m`, the share of the new batch, in ``(0, 1]``; 1 uses the frequencies of the batch alone.
        counts: A pixel counts for all classes of its label in their proportions (``'soft'``), or for the likeliest
            (``'hard'``).
        weights: ``'pixel'`` or ``'class'``, see above.

    Raises:
        ValueError: If an option is unknown or the momentum out of range.
    """

    frequency: Tensor
    updates: Tensor

    def __init__(
        self,
        num_classes: int,
        exponent: float = 0.5,
        low: float = 0.5,
        high: float = 5.0,
        momentum: float = 0.01,
        counts: str = 'soft',
        weights: str = 'pixel',
    ) -> None:
        super().__init__()
        self.exponent, self.low, self.high = exponent, low, high
        self.counts, self.weights = one_of(COUNTS, counts=counts), one_of(WEIGHTS, weights=weights)
        self.momentum = share_of_new('ClassRebalancing', momentum)
        self.register_buffer('frequency', torch.full((num_classes,), 1 / num_classes))
        self.register_buffer('updates', torch.zeros((), dtype=torch.long))
        _ = self.rarity  # numbers out of range are an error now, not in the first step

    @property
    def rarity(self) -> Tensor:
        """Return the weights of the classes, ``(C,)``."""
        return class_rarity(self.frequency, self.exponent, self.low, self.high)

    @torch.no_grad()
    def update(self, label: Tensor, valid: Tensor) -> None:
        """Update the frequencies by a batch; one without a valid pixel changes nothing.

        Args:
            label: ``(B, C, H, W)`` probabilities.
            valid: ``(B, H, W)`` bool, which pixels count.
        """
        if self.counts == 'hard':
            label = torch.zeros_like(label).scatter_(1, label.argmax(dim=1, keepdim=True), 1)
        counts = (label.float() * valid[:, None]).sum(dim=(0, 2, 3))
        all_reduce(counts)
        total = counts.sum()
        # 1, 1/2, 1/3, ... until the momentum: the uniform start is forgotten at once, and no batch dominates
        share = (1 / (self.updates + 1)).clamp(min=self.momentum) * (total > 0)
        self.frequency.lerp_(counts / total.where(total > 0, total.new_ones(())), share)
        self.updates += total > 0

    @torch.no_grad()
    def forward(self, target: PixelTarget) -> PixelTarget:
        r"""Weigh a target by its classes.

        Args:
            target: With probabilities ``(B, C, H, W)`` as its label.

        Returns:
            The target with its weights times :math:`\omega_i`, and the label :math:`\hat y` if ``weights='class'``.
        """
        weighted = target.label * self.rarity[:, None, None]
        total = weighted.sum(dim=1)
        # in place: another map of C channels would raise the peak of memory
        label = weighted.div_(total.unsqueeze(1).clamp(min=TINY)) if self.weights == 'class' else target.label
        return PixelTarget(label, target.weight * total)
