"""Heteroscedastic cross entropy for any decode head."""

from typing import Any

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.probabilities import class_logits
from ...ops.reduction import masked_mean
from ...structures import IGNORE_INDEX
from .heteroscedastic import MAX_VARIANCE, heteroscedastic_cross_entropy


@MODELS.register_module()
class HeteroscedasticCrossEntropy(nn.Module):
    r"""Cross entropy under Gaussian noise on the logits (Kendall & Gal, 2017, eq. 12), in place of the plain one.

    .. math:: \sigma_i^2 = \min(\mathrm{softplus}(w^T z_i + b), 10)

    ``loss_decode=dict(type='HeteroscedasticCrossEntropy', num_classes=19)`` in a plain ``EncoderDecoder``: pixels whose
    labels contradict each other cost less. The mean runs over the pixels with a label. ``w`` and ``b`` are trained with
    the network, and a checkpoint keeps them as ``decode_head.loss_decode.variance``.

    Args:
        num_classes: ``C`` of the head.
        num_samples: Monte-Carlo samples.
        loss_weight: Factor of the loss.

    Deviations from the paper:
        1. The variance is read from the logits, which are all that a loss sees, not from the features before them;
           ``WithSideHeads`` with a ``VarianceHead`` reads those.
    """

    loss_name = 'loss_heteroscedastic'
    """Its key in the host's losses."""

    def __init__(self, num_classes: int, num_samples: int = 10, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.variance = nn.Conv2d(num_classes, 1, kernel_size=1)
        nn.init.normal_(self.variance.weight, std=0.01)  # as VarianceHead: nearly one variance for all pixels at first
        self.num_samples, self.loss_weight = num_samples, loss_weight

    def forward(self, cls_score: Tensor, label: Tensor, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> Tensor:
        """Compute the loss of a batch.

        Args:
            cls_score: Logits ``(B, C, H, W)``, or ``(B, 1, H, W)`` of two classes.
            label: ``(B, H, W)`` int64.
            ignore_index: Label of pixels without one.
            **kwargs: Other arguments of decode heads (``weight`` of a sampler); not used.

        Returns:
            A scalar, at least 0.

        Raises:
            ValueError: The head has another number of classes.
        """
        logits = class_logits(cls_score.float())
        if logits.shape[1] != self.variance.in_channels:
            raise ValueError(
                f'HeteroscedasticCrossEntropy: num_classes={self.variance.in_channels}, but the head predicts '
                f'{logits.shape[1]}. Set num_classes={logits.shape[1]} in loss_decode.'
            )
        variance = F.softplus(self.variance(logits).float()).clamp(max=MAX_VARIANCE)
        loss = heteroscedastic_cross_entropy(logits, variance, label, self.num_samples, ignore_index)
        return self.loss_weight * masked_mean(loss, over=label != ignore_index)
