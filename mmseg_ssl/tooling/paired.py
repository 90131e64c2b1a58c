"""Gain of one training over another: differences of runs that share a list and a seed."""

import math
import statistics
from typing import Any, Mapping, NamedTuple, Optional

FEWEST = 3
"""Smallest number of pairs for a verdict: the standard error of two differences is itself very uncertain."""
ERRORS = 2.0
"""Number of standard errors above which a difference counts."""


class Difference(NamedTuple):
    """Mean of paired differences, its standard error, and the number of pairs."""

    mean: float
    error: float  # NaN for fewer than two pairs
    pairs: int


def paired_difference(scores: Mapping[Any, float], others: Mapping[Any, float]) -> Difference:
    r"""Compute mean and standard error of the differences between two trainings over the runs that both have.

    With :math:`d_i = x_i - y_i` for each of the :math:`n` shared (list, seed), the mean :math:`\bar d` and

    .. math:: SE = \sqrt{\frac{1}{n (n - 1)} \sum_i (d_i - \bar d)^2}.

    Effects of a list or a seed on both trainings, which are most of the spread of single runs, cancel.

    Args:
        scores: (list, seed) -> score of the training; NaN if it is not defined.
        others: (list, seed) -> score of the other training.

    Returns:
        The difference over the runs with both scores; NaN if there are none.
    """
    pairs = [score - others[key] for key, score in scores.items() if key in others]
    shared = [difference for difference in pairs if not math.isnan(difference)]
    if not shared:
        return Difference(math.nan, math.nan, 0)
    error = statistics.stdev(shared) / math.sqrt(len(shared)) if len(shared) > 1 else math.nan
    return Difference(statistics.mean(shared), error, len(shared))


def verdict(difference: Difference) -> str:
    """Say in words if a difference is significant.

    Args:
        difference: The difference of two trainings.

    Returns:
        ``'better'`` or ``'worse'`` if the mean is more than two standard errors from 0, ``'not distinguishable'``
        if it is not, ``'too few runs'`` for fewer than three pairs.
    """
    if difference.pairs < FEWEST:
        return 'too few runs'
    if abs(difference.mean) <= ERRORS * difference.error:
        return 'not distinguishable'
    return 'better' if difference.mean > 0 else 'worse'


def gap_closed(
    scores: Mapping[Any, float], few: Mapping[Any, float], all_labels: Mapping[Any, float]
) -> Optional[float]:
    """Compute the share of the gap between few and all labels that a training closes without these labels.

    Args:
        scores: (list, seed) -> score of the training.
        few: (list, seed) -> score of training only on the few labels.
        all_labels: (list, seed) -> score of training on all labels; since its list is another one, its mean counts.

    Returns:
        (mean score - mean of few) / (mean of all - mean of few), over the runs that the first two share: 0 is training
        on few labels, 1 on all of them; None if one of them was not run or there is no gap.
    """
    shared = [key for key in scores if key in few]
    if not shared or not all_labels:
        return None
    base = statistics.mean(few[key] for key in shared)
    gap = statistics.mean(all_labels.values()) - base
    return (statistics.mean(scores[key] for key in shared) - base) / gap if gap > 0 else None
