"""Gain of one training over another: differences of runs that share a list and a seed."""

import math
import statistics
from typing import Any, Mapping, NamedTuple, Optional

FEWEST = 3
"""Pairs below which nothing is said: the error of two differences is itself known to a factor of two at best."""
ERRORS = 2.0
"""A difference counts if it is more than so many standard errors."""


class Difference(NamedTuple):
    """Mean of paired differences, its standard error, and the number of pairs."""

    mean: float
    error: float  # NaN for fewer than two pairs
    pairs: int


def paired_difference(scores: Mapping[Any, float], others: Mapping[Any, float]) -> Difference:
    r"""Mean and standard error of the differences of two trainings over the runs that both have.

    With :math:`d_i = x_i - y_i` for each of the :math:`n` shared (list, seed), the mean :math:`\bar d` and

    .. math:: SE = \sqrt{\frac{1}{n (n - 1)} \sum_i (d_i - \bar d)^2}.

    What a list or a seed does to both trainings alike, most of the spread of single runs, is not in it.

    Args:
        scores: (list, seed) -> score of the training.
        others: The same of the one that it is compared with.

    Returns:
        The difference; NaN where no run is shared.
    """
    shared = [score - others[key] for key, score in scores.items() if key in others]
    if not shared:
        return Difference(math.nan, math.nan, 0)
    error = statistics.stdev(shared) / math.sqrt(len(shared)) if len(shared) > 1 else math.nan
    return Difference(statistics.mean(shared), error, len(shared))


def verdict(difference: Difference) -> str:
    """Say in words whether a difference is one.

    Args:
        difference: Of two trainings.

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
    """Share of the gap between few and all labels that a training closes without the labels.

    Args:
        scores: (list, seed) -> score of the training.
        few: The same of training on the few labels alone.
        all_labels: The same of training on all labels, whose list is another one: its mean counts.

    Returns:
        (mean score - mean of few) / (mean of all - mean of few), over the runs that the first two share: 0 for
        training on few labels, 1 for all of them; None if a part of it was not run or there is no gap.
    """
    shared = [key for key in scores if key in few]
    if not shared or not all_labels:
        return None
    base = statistics.mean(few[key] for key in shared)
    gap = statistics.mean(all_labels.values()) - base
    return (statistics.mean(scores[key] for key in shared) - base) / gap if gap > 0 else None
