"""Contrast between the pixels of two embeddings (ELN, Kwon & Kwak, CVPR 2022, eq. 10)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops import at_least_fp32, masked_mean
from ...structures import IGNORE_INDEX
from ...utils.choices import one_of

POSITIVES = ('sum', 'mean', 'log_sum')


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

    It holds a few matrices of anchors x keys: sample both, see :func:`~mmseg_ssl.ops.sample_per_class`.

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
    with torch.autocast(anchors.device.type, enabled=False):  # the product would be rounded to 8 bits
        anchors, keys = F.normalize(at_least_fp32(anchors), dim=1), F.normalize(at_least_fp32(keys), dim=1)
        similarity = anchors.div(temperature) @ keys.T
    key_used = key_labels != IGNORE_INDEX
    same = anchor_labels[:, None] == key_labels
    if positives == 'log_sum':
        return _of_sums(similarity, anchor_labels, same & key_used, ~same & key_used)
    # the lowest number, not -inf: a row without negatives must have a gradient of 0, not NaN
    nothing = torch.finfo(similarity.dtype).min
    negatives = similarity.masked_fill(same | ~key_used, nothing).logsumexp(dim=1, keepdim=True)
    positive = same & key_used
    # -ln(d / (d + N)) = ln(1 + N / d) = softplus(ln N - ln d), which does not overflow
    cost = F.softplus((negatives - similarity).masked_fill(~positive, nothing)).sum(dim=1)
    if positives == 'mean':
        cost = cost / positive.sum(dim=1).clamp(min=1)
    return masked_mean(cost, over=anchor_labels != IGNORE_INDEX)


def _of_sums(similarity: Tensor, anchor_labels: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Compute the public code's form from the similarities of all pairs."""
    nothing = torch.finfo(similarity.dtype).min
    classes = torch.arange(
        IGNORE_INDEX, device=anchor_labels.device
    )  # every possible class: asking which there are would wait for the device
    members = anchor_labels[:, None] == classes

    def per_class(pairs: Tensor) -> Tensor:
        if not pairs.numel():
            return similarity.sum().expand(len(classes))  # logsumexp refuses an empty row
        rows = similarity.masked_fill(~pairs, nothing).logsumexp(dim=1, keepdim=True)
        return rows.where(members, nothing).logsumexp(dim=0)

    count = members.sum(dim=0)
    taught = (positive.any(dim=1)[:, None] & members).any(dim=0)
    cost = F.softplus(per_class(negative) - per_class(positive)) / count.clamp(min=1)
    return masked_mean(cost, over=taught)
