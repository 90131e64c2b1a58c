"""Running class frequencies of what is taught, and weights that make up for them."""

import math

import torch
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import class_rarity

FORMS = ('power', 'inverse')
COUNTS = ('soft', 'hard')


@MODELS.register_module()
class ClassRebalancing(nn.Module):
    r"""Weights of pixels by how seldom their classes are taught.

    .. math:: f_c \leftarrow (1 - m)\, f_c + m\, \frac{n_c}{\sum_k n_k}, \quad n_c = \sum_i \tilde y_{ic}, \qquad
              \omega_i = \sum_c \tilde y_{ic}\, \omega_c(f)

    with :math:`\omega_c` of :func:`class_rarity`. The frequencies are those of all processes, in a buffer. The share of
    the new batch is :math:`\max(1 / (t + 1), m)` at update :math:`t`, so early frequencies are means of the batches so
    far.

    Args:
        num_classes: ``C``.
        form: ``'power'`` with the options below, or ``'inverse'``: weights proportional to :math:`1 / f_c` without
            bounds, as in CW-BASS-v2.
        exponent: :math:`g \ge 0`; 0 switches the weights off.
        low: Lower bound of a class's weight, before their mean is set to 1.
        high: Upper bound.
        momentum: :math:`m`, the share of the new batch, in ``(0, 1]``; 1 takes the frequencies of the batch alone.
        counts: Whether a pixel counts for its classes as its label says (``'soft'``), or for the likeliest
            (``'hard'``).

    Raises:
        ValueError: If an option is unknown or the momentum out of range.
    """

    def __init__(
        self,
        num_classes: int,
        form: str = 'power',
        exponent: float = 0.5,
        low: float = 0.5,
        high: float = 5.0,
        momentum: float = 0.01,
        counts: str = 'soft',
    ) -> None:
        super().__init__()
        if form not in FORMS or counts not in COUNTS or not 0 < momentum <= 1:
            raise ValueError(
                f'ClassRebalancing: form is one of {FORMS}, counts one of {COUNTS}, and momentum the share of the new '
                f'batch in (0, 1], got {form!r}, {counts!r} and {momentum}.'
            )
        self.exponent, self.low, self.high = (1.0, 0.0, math.inf) if form == 'inverse' else (exponent, low, high)
        self.momentum, self.counts = momentum, counts
        self.register_buffer('frequency', torch.full((num_classes,), 1 / num_classes))
        self.register_buffer('updates', torch.zeros((), dtype=torch.long))
        _ = self.rarity  # numbers out of range are an error now, not in the first step

    @property
    def rarity(self) -> Tensor:
        """Weights of the classes, ``(C,)``."""
        return class_rarity(self.frequency, self.exponent, self.low, self.high)

    @torch.no_grad()
    def update(self, label: Tensor, valid: Tensor) -> None:
        """Take a batch in; one without a valid pixel changes nothing.

        Args:
            label: ``(B, C, H, W)`` probabilities.
            valid: ``(B, H, W)`` bool, which pixels count.
        """
        if self.counts == 'hard':
            label = torch.zeros_like(label).scatter_(1, label.argmax(dim=1, keepdim=True), 1)
        counts = (label.float() * valid[:, None]).sum(dim=(0, 2, 3))
        all_reduce(counts)
        total = counts.sum()
        share = (1 / (self.updates + 1)).clamp(min=self.momentum) * (total > 0)
        self.frequency.lerp_(counts / total.where(total > 0, total.new_ones(())), share)
        self.updates += total > 0

    @torch.no_grad()
    def forward(self, label: Tensor) -> Tensor:
        """Weight of every pixel.

        Args:
            label: ``(B, C, H, W)`` probabilities.

        Returns:
            ``(B, H, W)``, at least 0.
        """
        return (label * self.rarity[:, None, None]).sum(dim=1)
