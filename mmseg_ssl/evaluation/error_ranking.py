"""Scores of a doubt, a number per pixel that should be higher on wrong pixels than on right ones, from a histogram.

Pixels of one bin are tied. A score is the expectation over all orders of tied pixels, so it is exact for a histogram
whose bins hold equal values, and otherwise off by no more than what ordering the pixels of a bin could change.
"""

import numpy as np
import torch
from scipy.special import digamma
from torch import Tensor

BINS = 4096
"""Bins of :func:`doubt_histogram`: the 12 leading bits of a half-precision number."""


def doubt_histogram(doubt: Tensor, right: Tensor) -> Tensor:
    """Count wrong and right pixels by their doubt, whatever its range.

    A doubt is rounded to half precision, whose bit patterns have the order of the numbers once negative ones are
    mirrored. The 12 leading bits keep sign, exponent and 6 bits of the mantissa: two doubts that differ by more than
    1.6 %, or below 6e-5 by 1e-6, are in different bins; those above 65504 share one.

    Args:
        doubt: ``(N,)``, any real numbers; NaN counts as more doubtful than all.
        right: ``(N,)`` bool, true where the predicted class is the label.

    Returns:
        ``(2, BINS)`` int64: wrong, then right pixels, from the least doubt to the most.
    """
    bits = (doubt.float() + 0.0).half().view(torch.int16).long()  # -0.0 + 0.0 is 0.0, which has other bits
    bits = bits.where(~doubt.isnan(), bits.new_full((), 2**15 - 1))
    ordered = bits.where(bits >= 0, -(2**15) - 1 - bits)
    place = (ordered + 2**15) // (2**16 // BINS) + BINS * right.long()
    return torch.bincount(place, minlength=2 * BINS).reshape(2, BINS)


def error_auroc(histogram: np.ndarray) -> float:
    """Compute the area under the ROC curve of errors: how often a wrong pixel has more doubt than a right one.

    Args:
        histogram: ``(2, B)`` wrong and right pixels, as of :func:`doubt_histogram`.

    Returns:
        A share in ``[0, 1]``, one half for a doubt that says nothing; NaN without wrong or without right pixels.
    """
    wrong, right = histogram.astype(float)
    pairs = wrong.sum() * right.sum()
    below = right.cumsum() - right / 2  # a tie is half a win
    return float((wrong * below).sum() / pairs) if pairs else float('nan')


def error_average_precision(histogram: np.ndarray) -> float:
    """Compute the average precision of errors, from the most doubt down; a bin is one cut, as in scikit-learn.

    Args:
        histogram: As for :func:`error_auroc`.

    Returns:
        A share in ``(0, 1]``, that of the errors for a doubt that says nothing; NaN without wrong pixels.
    """
    wrong, called = histogram[0, ::-1].astype(float), histogram.sum(axis=0)[::-1].cumsum()
    found = wrong.sum()
    return float((wrong.cumsum() / called.clip(min=1) * wrong).sum() / found) if found else float('nan')


def risk_coverage_area(histogram: np.ndarray) -> float:
    r"""Compute the area under the risk-coverage curve (AURC) with the 0/1 loss.

    With :math:`e_k` the number of errors among the :math:`k` least doubtful of :math:`n` pixels,

    .. math:: AURC = \frac{1}{n} \sum_{k=1}^n \frac{e_k}{k}

    the mean of the empirical risk over all coverages (Geifman et al., ICLR 2019, section 3, after the curve of Geifman
    & El-Yaniv, NeurIPS 2017). In a bin, :math:`e_k` grows evenly, so the sum is one of harmonic numbers.

    Args:
        histogram: As for :func:`error_auroc`.

    Returns:
        A share in ``[0, 1]``, that of the errors for a doubt that says nothing; NaN without pixels.
    """
    wrong, pixels = histogram[0].astype(float), histogram.sum(axis=0).astype(float)
    filled = pixels > 0
    wrong, pixels = wrong[filled], pixels[filled]
    after, errors_after = pixels.cumsum(), wrong.cumsum()
    before, errors_before = after - pixels, errors_after - wrong
    rate = wrong / pixels
    # sum over k of (errors_before + (k - before) * rate) / k
    areas = wrong + (errors_before - before * rate) * (digamma(after + 1) - digamma(before + 1))
    return float(areas.sum() / after[-1]) if len(after) else float('nan')


def excess_risk_coverage_area(histogram: np.ndarray) -> float:
    """Compute E-AURC (Geifman et al., ICLR 2019, eq. 3): AURC minus that of the best order of the same pixels.

    The best order has all right pixels first. Its area is computed exactly, not by the paper's approximation of many
    pixels, r + (1 - r) ln(1 - r) for a share r of errors.

    Args:
        histogram: As for :func:`error_auroc`.

    Returns:
        At least 0, 0 for a doubt that orders perfectly; NaN without pixels.
    """
    wrong, right = histogram.sum(axis=1)
    return risk_coverage_area(histogram) - risk_coverage_area(np.array([[0, wrong], [right, 0]]))


def risk_at_coverage(histogram: np.ndarray, coverage: float) -> float:
    """Compute the share of errors among the least doubtful pixels.

    Args:
        histogram: As for :func:`error_auroc`.
        coverage: Share of the pixels that are kept, in ``(0, 1]``.

    Returns:
        A share in ``[0, 1]``; NaN without pixels.
    """
    pixels, errors = (np.concatenate([[0], row.cumsum()]) for row in (histogram.sum(axis=0), histogram[0]))
    kept = coverage * pixels[-1]
    # between the ends of a bin the number of errors grows evenly
    return float(np.interp(kept, pixels, errors) / kept) if kept else float('nan')
