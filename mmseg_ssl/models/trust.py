"""Which pixels of a network's prediction may teach another network."""

from typing import Optional

import torch
from torch import Tensor, nn

from ..errors import NetworkError
from ..ops.trust import check_trust, trust_values, trusted_pixels
from ..structures import Prediction
from .branch import Branch
from .judge import Judge


class Trust(nn.Module):
    """Rule by which pixels of a prediction are trusted, see :func:`~mmseg_ssl.ops.trust_values`.

    Args:
        by: ``'confidence'``, ``'entropy'``, ``'variance'``, ``'energy'`` or ``'localizer'``.
        threshold: Confidence and localizer at least, entropy, variance and energy at most.
        share: In place of a threshold: the share of each image's pixels that are trusted, in ``(0, 1]``.

    Raises:
        ValueError: The rule is not possible.
    """

    def __init__(self, by: str, threshold: Optional[float] = None, share: Optional[float] = None) -> None:
        super().__init__()
        check_trust(by, threshold, share)
        self.by, self.threshold, self.share = by, threshold, share

    def require(self, network: Branch, judge: Optional[Judge]) -> None:
        """Refuse a network that does not have what the rule reads.

        Raises:
            NetworkError: It has no side head ``variance``, or no judge.
        """
        if self.by == 'variance' and 'variance' not in network.side_heads:
            raise NetworkError(
                "trust by 'variance' needs a side head of this name: "
                "side_heads=dict(variance=dict(type='VarianceHead'))."
            )
        if self.by == 'localizer' and judge is None:
            raise NetworkError(
                "trust by 'localizer' needs one: localizer=dict(type='ErrorLocalizer'), as it was trained."
            )

    @torch.no_grad()
    def values(self, images: Tensor, pred: Prediction, judge: Optional[Judge]) -> Tensor:
        """Compute what the rule compares.

        Args:
            images: ``(B, 3, H, W)``, normalized as the network sees them.
            pred: Its prediction of them.
            judge: Needed for ``'localizer'``.

        Returns:
            ``(B, H, W)`` fp32.
        """
        variance = pred.side['variance'][:, 0] if self.by == 'variance' else None
        correctness = None
        if self.by == 'localizer' and judge is not None:
            correctness = judge.correctness(judge(images, pred.logits), pred.logits)
        return trust_values(self.by, pred.logits, variance, correctness)

    def forward(self, values: Tensor, valid: Tensor) -> Tensor:
        """Choose the trusted pixels.

        Args:
            values: ``(B, H, W)``, of :meth:`values`.
            valid: ``(B, H, W)`` bool, which pixels are image.

        Returns:
            ``(B, H, W)`` bool.
        """
        return trusted_pixels(self.by, values, valid, self.threshold, self.share)
