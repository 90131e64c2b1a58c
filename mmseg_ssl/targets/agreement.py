"""Targets that two networks agree or disagree on (CPCL, Fan et al. 2022, arXiv 2211.16701)."""

from typing import NamedTuple, Optional, Union

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from ..ops.probabilities import likeliest
from ..structures import IGNORE_INDEX, PixelTarget


class Vote(NamedTuple):
    """Likeliest class per pixel and its probability, all that the targets here need of a prediction.

    Attributes:
        label: ``(B, H, W)`` int64, the likeliest class.
        confidence: ``(B, H, W)``, its probability.
        num_classes: ``C``.
    """

    label: Tensor
    confidence: Tensor
    num_classes: int


def vote(probs: Union[Tensor, Vote]) -> Vote:
    """Reduce probabilities to the likeliest class of every pixel; a vote is returned as it is.

    One vote serves :func:`disagreement`, :func:`intersection` and :func:`union`, so the probabilities can be freed.

    Args:
        probs: ``(B, C, H, W)``, summing to one over dim 1.

    Returns:
        The vote, without a gradient.
    """
    if isinstance(probs, Vote):
        return probs
    confidence, label = likeliest(probs)
    return Vote(label, confidence, probs.shape[1])


@torch.no_grad()
def disagreement(labels_a: Tensor, labels_b: Tensor, num_classes: int) -> Tensor:
    r"""Indicator of how much two networks disagree on each class, over the batch of all processes.

    With the confusion matrix :math:`K` of the two labelings and one added to each diagonal entry,

    .. math:: I_k = \frac{\sum_i K_{ik} - K_{kk}}{\sum_i K_{ik}} + \frac{\sum_j K_{kj} - K_{kk}}{\sum_j K_{kj}},
              \qquad I \leftarrow I / (\sum_k I_k + 10^{-6})

    A class with a large indicator is usually a hard or a rare one.

    Args:
        labels_a: ``(B, H, W)`` int64, the first network's classes; labels outside ``[0, num_classes)`` do not count.
        labels_b: The second network's.
        num_classes: ``C``.

    Returns:
        ``(C,)`` fp32, at least 0, summing to one, or all 0 where the networks agree everywhere.
    """
    valid = (labels_a >= 0) & (labels_a < num_classes) & (labels_b >= 0) & (labels_b < num_classes)
    # one bin more takes the pixels that do not count: selecting them would wait for the device
    pairs = (labels_a * num_classes + labels_b).where(valid, labels_a.new_full((), num_classes**2))
    confusion = torch.bincount(pairs.flatten(), minlength=num_classes**2 + 1)[:-1]
    all_reduce(confusion)
    confusion = confusion.view(num_classes, num_classes).double()  # counts above 2^24 are not exact in fp32
    # as the public code: no class has an empty row or column
    confusion += torch.eye(num_classes, dtype=confusion.dtype, device=confusion.device)
    agreed, by_a, by_b = confusion.diagonal(), confusion.sum(dim=1), confusion.sum(dim=0)
    indicator = (by_b - agreed) / by_b + (by_a - agreed) / by_a
    return (indicator / (indicator.sum() + 1e-6)).float()


@torch.no_grad()
def intersection(probs_a: Union[Tensor, Vote], probs_b: Union[Tensor, Vote]) -> PixelTarget:
    r"""Label of the pixels on which both networks agree, weighted by their mean confidence (CPCL, pseudo-intersection).

    .. math:: \hat y_i = \hat y^a_i \text{ if } \hat y^a_i = \hat y^b_i \text{ else } 255,
              \qquad w_i = \tfrac12 (\max_c p^a_{ic} + \max_c p^b_{ic}) \, 1[\hat y^a_i = \hat y^b_i]

    Args:
        probs_a: ``(B, C, H, W)``, summing to one over dim 1, or their :func:`vote`.
        probs_b: The other network's.

    Returns:
        Label ``(B, H, W)`` int64 and weight ``(B, H, W)`` in ``[0, 1]``.
    """
    (label_a, confidence_a, _), (label_b, confidence_b, _) = vote(probs_a), vote(probs_b)
    agree = label_a == label_b
    label = label_a.where(agree, label_a.new_full((), IGNORE_INDEX))
    return PixelTarget(label, (confidence_a + confidence_b) / 2 * agree)


@torch.no_grad()
def union(
    probs_a: Union[Tensor, Vote], probs_b: Union[Tensor, Vote], indicator: Optional[Tensor] = None
) -> PixelTarget:
    r"""Label of every pixel: the common one, or that whose class the networks disagree on more (CPCL, pseudo-union).

    .. math:: \hat y_i = \hat y^a_i \text{ if } \hat y^a_i = \hat y^b_i \text{ or }
              I[\hat y^a_i] > I[\hat y^b_i] \text{ else } \hat y^b_i

    The weight is the mean confidence where they agree, else the confidence of the network that won.

    Args:
        probs_a: ``(B, C, H, W)``, summing to one over dim 1, or their :func:`vote`.
        probs_b: The other network's.
        indicator: ``(C,)`` of :func:`disagreement`; computed from these predictions if not given.

    Returns:
        Label ``(B, H, W)`` int64 and weight ``(B, H, W)`` in ``[0, 1]``.
    """
    (label_a, confidence_a, num_classes), (label_b, confidence_b, _) = vote(probs_a), vote(probs_b)
    if indicator is None:
        indicator = disagreement(label_a, label_b, num_classes)
    agree = label_a == label_b
    first_wins = indicator[label_a] > indicator[label_b]
    won = confidence_a.where(first_wins, confidence_b)
    weight = ((confidence_a + confidence_b) / 2).where(agree, won)
    return PixelTarget(label_a.where(agree | first_wins, label_b), weight)
