"""Which pixels of a prediction are trusted: by the prediction itself, by a predicted variance, or by a judge."""

from typing import Optional

import torch
from torch import Tensor

from ..utils.choices import one_of
from .precision import at_least_fp32
from .weighting import normalized_entropy

TRUST_RULES = ('confidence', 'entropy', 'variance', 'energy', 'localizer')
"""What a pixel is trusted by."""
DOUBTS = ('entropy', 'variance', 'energy')
"""Rules whose values are low where a prediction is trusted; the others are high there."""
SHARES = ('confidence', 'entropy', 'localizer')
"""Rules whose values are in ``[0, 1]``."""


@torch.no_grad()
def trust_values(
    rule: str, logits: Tensor, variance: Optional[Tensor] = None, correctness: Optional[Tensor] = None
) -> Tensor:
    r"""Compute the values that a rule compares, in the unit of its threshold.

    ``'confidence'`` is :math:`\max_c p_{ic}` and ``'localizer'`` the probability, of a judge, that the class is right:
    trusted where they are at least the threshold. ``'entropy'`` is :func:`normalized_entropy`, ``'variance'`` that of a
    :class:`~mmseg_ssl.models.VarianceHead`, ``'energy'`` :math:`-\ln \sum_c e^{z_{ic}}` in the unit of the logits:
    trusted where they are at most the threshold.

    Args:
        rule: One of :data:`TRUST_RULES`.
        logits: ``(B, C, H, W)``.
        variance: ``(B, H, W)``, for that rule.
        correctness: ``(B, H, W)``, for ``'localizer'``.

    Returns:
        ``(B, H, W)``, fp32 or wider.

    Raises:
        ValueError: If the rule is unknown, or its map is missing.
    """
    logits = at_least_fp32(logits)
    if one_of(TRUST_RULES, trust=rule) == 'energy':
        return -logits.logsumexp(dim=1)
    if rule in ('confidence', 'entropy'):
        probs = logits.softmax(dim=1)
        return probs.amax(dim=1) if rule == 'confidence' else normalized_entropy(probs)
    values = variance if rule == 'variance' else correctness
    if values is None:
        raise ValueError(f'trust by {rule!r} needs the map of a {rule} head; the network has none.')
    return at_least_fp32(values)


@torch.no_grad()
def trusted_pixels(
    rule: str, values: Tensor, valid: Tensor, threshold: Optional[float] = None, share: Optional[float] = None
) -> Tensor:
    """Choose the trusted pixels, by a threshold or as a share of each image.

    A share is of each image, not of the batch: so a pixel's fate does not depend on the other images of its batch,
    online as offline. Pixels as good as the last one of the share are in it.

    Args:
        rule: One of :data:`TRUST_RULES`; it says whether low or high values are trusted.
        values: ``(B, H, W)``, of :func:`trust_values`.
        valid: ``(B, H, W)`` bool, which pixels are image.
        threshold: In the unit of the values.
        share: In ``(0, 1]``, of the valid pixels of an image.

    Returns:
        ``(B, H, W)`` bool, false where not valid.

    Raises:
        ValueError: If not exactly one of threshold and share is given, or the share is not possible.

    Example:
        >>> entropy = trust_values('entropy', logits)
        >>> trusted_pixels('entropy', entropy, valid, share=0.6)
    """
    check_trust(rule, threshold, share)
    doubt = values if rule in DOUBTS else -values
    if threshold is not None:
        return valid & (doubt <= (threshold if rule in DOUBTS else -threshold))
    assert share is not None  # by check_trust
    ordered = doubt.where(valid, torch.inf).flatten(1).sort(dim=1).values
    count = (share * valid.flatten(1).sum(dim=1).double()).ceil().long().clamp(min=1)
    worst = ordered.gather(1, count[:, None] - 1)
    return valid & (doubt <= worst[:, :, None])


def check_trust(rule: str, threshold: Optional[float], share: Optional[float]) -> None:
    """Refuse a rule that is not possible.

    Raises:
        ValueError: See :func:`trusted_pixels`.
    """
    one_of(TRUST_RULES, trust=rule)
    if (threshold is None) == (share is None):
        raise ValueError(f'trust by {rule!r} needs a threshold or a share, one of both; got {threshold} and {share}.')
    if share is not None and not 0 < share <= 1:
        raise ValueError(f'the share of trusted pixels is in (0, 1], got {share}.')
    if threshold is not None and rule in SHARES and not 0 <= threshold <= 1:
        raise ValueError(f'trust by {rule!r} compares numbers in [0, 1], got threshold={threshold}.')
