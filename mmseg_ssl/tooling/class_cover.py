"""Chooses a few images that together have every class."""

from collections import Counter
from typing import Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

MAX_STEPS = 20000
"""Steps of the search, which end it within seconds; the greedy choice is then as good as it gets."""


class Unit(NamedTuple):
    """Images that stay together, and in how many of them each class is."""

    ids: Tuple[str, ...]
    counts: Mapping[int, int]


def cover(units: Sequence[Unit], missing: Iterable[int], room: int, total: Mapping[int, int]) -> List[Unit]:
    """Choose units that together have the missing classes, rare ones first.

    The greedy choice takes the rarest missing class and, of the units that have it, the one with the most missing
    classes. Only if this leaves classes out, all choices are tried in the same order, up to ``MAX_STEPS`` of them.

    Args:
        units: In the order in which equal ones are preferred.
        missing: The classes.
        room: Number of images that may be chosen.
        total: Number of images with each class, which says what is rare.

    Returns:
        The chosen units; of the classes that do not fit, the rarest are there.
    """
    wanted = frozenset(missing)
    distinct: Dict[Tuple[FrozenSet[int], int], Unit] = {}  # of units that have the same, the first will do
    for unit in units:
        has = wanted & set(unit.counts)
        if has:
            distinct.setdefault((has, len(unit.ids)), unit)
    rarest_first = sorted(wanted, key=lambda label: (total[label], label))
    choice, left = _greedy(list(distinct.values()), rarest_first, room)
    if left:
        choice = _search(list(distinct.values()), rarest_first, room, Counter()) or choice
    return choice


def _greedy(units: List[Unit], missing: Sequence[int], room: int) -> Tuple[List[Unit], Set[int]]:
    """Return the greedy choice, and the classes that it lacks."""
    chosen: List[Unit] = []
    left = set(missing)
    for label in missing:
        fitting = _by_use(units, label, left, room) if label in left else []
        if fitting:
            chosen.append(fitting[0])
            left -= set(fitting[0].counts)
            room -= len(fitting[0].ids)
    return chosen, left


def _search(units: List[Unit], missing: Sequence[int], room: int, steps: Counter) -> Optional[List[Unit]]:
    """Return a choice with all classes, or None if there is none or it takes too long."""
    if not missing:
        return []
    left = set(missing)
    for unit in _by_use(units, missing[0], left, room):
        steps['tried'] += 1
        if steps['tried'] > MAX_STEPS:
            return None
        rest = _search(units, [label for label in missing if label not in unit.counts], room - len(unit.ids), steps)
        if rest is not None:
            return [unit, *rest]
    return None


def _by_use(units: List[Unit], label: int, missing: Set[int], room: int) -> List[Unit]:
    """Return the units with a class that fit, those with the most missing classes and fewest images first."""
    fitting = [unit for unit in units if label in unit.counts and len(unit.ids) <= room]
    return sorted(fitting, key=lambda unit: (-len(missing & set(unit.counts)), len(unit.ids)))
