"""Tells grays that stand for classes, and those of smoothed edges, from class indices."""

from typing import Mapping, Sequence

import numpy as np

from ...datasets.checks.fix import Value
from ...structures import IGNORE_INDEX

SURE = 0.9
"""Share of black and white pixels from which a mask of many grays is a smoothed one."""


def are_grays(values: Sequence[int]) -> bool:
    """Check for 0 and 255, and what may lie evenly between them."""
    if len(values) < 2 or len(values) > 9 or values[0] != 0 or values[-1] != IGNORE_INDEX:
        return False
    return bool(np.abs(np.linspace(0, 255, len(values)) - values).max() <= 1)


def are_smoothed(values: Sequence[int], counts: Mapping[Value, int]) -> bool:
    """Check for black and white with a few pixels of grays on both sides of the middle, as at smoothed edges."""
    if len(values) < 5 or values[0] != 0 or values[-1] != IGNORE_INDEX or not values[1] <= 127 < values[-2]:
        return False
    return counts[0] + counts[IGNORE_INDEX] > SURE * sum(counts.values())
