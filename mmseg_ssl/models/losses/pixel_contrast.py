"""Contrast between the pixels of two embeddings (ELN, Kwon & Kwak, CVPR 2022, eq. 10)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops import at_least_fp32, masked_mean
from ...ops.precision import without_autocast
from ...structures import IGNORE_INDEX
from ...utils.choices import one_of
from .fused_contrast import LABELS, ClasswiseContrast, PairwiseContrast

POSITIVES = ('sum', 'mean', 'log_sum')


@without_autocast
def pixel_contrast(
    anchors: Tensor,
    keys: Tensor,
    anchor_labels: Tensor,
    key_labels: Tensor,
    temperature: float,
    positives: str = 'sum',
) -> Tensor:
    r"""Contrast that pulls pixels toward those of their class, away from all others (ELN, eq. 10).

    With :math:`d(a, b) = e^{\cos(a, b) / \tau}`, over anchors :math:`i \in V` and keys :math:`j`,

    .. math:: L = - \frac{1}{|V|} \sum_{i \in V} \sum_{j:\, y_j = y_i}
              \ln \frac{d(f_i, g_j)}{d(f_i, g_j) + \sum_{k:\, y_k \ne y_i} d(f_i, g_k)}

    All pairs are computed, but only some rows of them are held at a time, and none for backward. The time is that of
    anchors x keys: sample both, see :func:`~mmseg_ssl.ops.sample_per_class`.

    The paper's public code has another form, ``positives='log_sum'``: with :math:`P_c` and :math:`N_c` the sums of
    :math:`d` over all pairs of an anchor of class :math:`c` with a positive and with a negative, and :math:`n_c`
    anchors of the class, the mean over the classes of

    .. math:: L_c = - \frac{1}{n_c} \ln \frac{P_c}{P_c + N_c}

    Args:
        anchors: ``(A, D)``, of any length; the cosine normalizes them.
        keys: ``(K, D)``.
        anchor_labels: ``(A,)`` int64; an anchor of label 255 is not part of ``V``.
        key_labels: ``(K,)`` int64; a key of label 255 is neither positive nor negative.
        temperature: :math:`\tau > 0`.
        positives: ``'sum'`` over the positives, as eq. 10 is written; their ``'mean'``, whose scale does not grow with
            the number of keys; or ``'log_sum'``, the public code's form.

    Returns:
        A scalar, at least 0; 0 with a zero gradient without an anchor, without positives or without negatives.

    Raises:
        ValueError: If shapes, temperature or ``positives`` are not possible.
    """
    one_of(POSITIVES, positives=positives)
    if temperature <= 0:
        raise ValueError(f'pixel_contrast needs temperature > 0, got {temperature}.')
    if len(anchors) != len(anchor_labels) or len(keys) != len(key_labels) or anchors.shape[1] != keys.shape[1]:
        raise ValueError(
            f'pixel_contrast needs (A, D) anchors with (A,) labels and (K, D) keys with (K,) labels, got '
            f'{tuple(anchors.shape)}, {tuple(anchor_labels.shape)}, {tuple(keys.shape)}, {tuple(key_labels.shape)}.'
        )
    anchors, keys = (F.normalize(at_least_fp32(pixels), dim=1) for pixels in (anchors, keys))
    partners = _pixels_of_class(key_labels, keys.dtype)
    pairs = anchors / temperature, keys, anchor_labels, key_labels
    if positives == 'log_sum':
        members = _pixels_of_class(anchor_labels, keys.dtype)
        taught = _weights_of_mean((members > 0) & (partners > 0), keys.dtype)
        loss: Tensor = ClasswiseContrast.apply(*pairs, taught / members.clamp(min=1))
        return loss
    divisor = partners[anchor_labels].clamp(min=1) if positives == 'mean' else 1
    loss = PairwiseContrast.apply(*pairs, _weights_of_mean(anchor_labels != IGNORE_INDEX, keys.dtype) / divisor)
    return loss


def _pixels_of_class(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """Count the pixels of every class, ``(LABELS,)``; none are of no class."""
    counts = torch.zeros(LABELS, device=labels.device, dtype=dtype)
    return counts.index_add_(0, labels, (labels != IGNORE_INDEX).to(dtype))


def _weights_of_mean(over: Tensor, dtype: torch.dtype) -> Tensor:
    """Return weights by which a sum is :func:`masked_mean` over a mask."""
    values = torch.zeros(over.shape, device=over.device, dtype=dtype, requires_grad=True)
    with torch.enable_grad():
        (weights,) = torch.autograd.grad(masked_mean(values, over=over), values)
    return weights
