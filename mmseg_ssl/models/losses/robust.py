"""Cross entropy that expects wrong labels (Marin & Boykov, "Robust Trust Region", ICCV 2021, arXiv 2104.01948)."""

import math

import torch.nn.functional as F
from torch import Tensor

from ...ops.precision import at_least_fp32
from ...structures import IGNORE_INDEX


def robust_cross_entropy(logits: Tensor, label: Tensor, error_rate: float) -> Tensor:
    r"""Negative log-likelihood under the assumption that a share of the labels is wrong.

    .. math:: \ell_i = -\ln \left[ \left(1 - \frac{C \epsilon}{C - 1}\right) \sigma_{y_i}
                       + \frac{\epsilon}{C - 1} \right]

    A label is right with probability :math:`1 - \epsilon` and else any other class. The loss is at most
    :math:`\ln((C - 1) / \epsilon)`, so a pixel of which the network is sure does not yield to its label.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64 classes, 255 where there is none.
        error_rate: :math:`\epsilon` in ``[0, 1 - 1 / C)``; 0 is the plain negative log-likelihood.

    Returns:
        ``(B, H, W)``, at least 0 up to rounding, fp32 or wider; 0 with a zero gradient where there is no label.

    Raises:
        ValueError: If the rate leaves labels without information, or the shapes do not fit.
    """
    num_classes = logits.shape[1]
    check_error_rate(error_rate, num_classes)
    if label.shape != logits[:, 0].shape:
        raise ValueError(f'Expected labels {tuple(logits[:, 0].shape)} for these logits, got {tuple(label.shape)}.')
    labeled = label != IGNORE_INDEX
    log_probs = F.log_softmax(at_least_fp32(logits), dim=1)
    log_prob = log_probs.gather(1, label.where(labeled, 0).unsqueeze(1)).squeeze(1)
    if error_rate > 0:
        wrong = error_rate / (num_classes - 1)
        right = log_prob + math.log1p(-num_classes * wrong)
        log_prob = right.logaddexp(right.new_full((), wrong).log())  # filled on the device: a copy would wait
    return -log_prob.where(labeled, 0)


def check_error_rate(error_rate: float, num_classes: int) -> None:
    """Refuse a rate at which labels carry no information.

    Args:
        error_rate: Share of wrong labels.
        num_classes: ``C``.

    Raises:
        ValueError: It is negative, or so high that all classes are equally probable given a label.
    """
    if not 0 <= num_classes * error_rate < num_classes - 1:
        raise ValueError(
            f'error_rate must be at least 0 and below 1 - 1 / C = {1 - 1 / num_classes:.4f}, where labels of '
            f'{num_classes} classes say nothing; got {error_rate}.'
        )
