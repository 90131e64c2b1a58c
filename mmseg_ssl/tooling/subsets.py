"""Draws nested subsets of a list of images: at random or stratified by class, image by image or in groups."""

import re
from collections import Counter
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from .class_cover import Unit, cover
from .cli import UserError


def make_units(ids: Iterable[str], groups: Optional[str], classes: Mapping[str, Set[int]]) -> List[Unit]:
    """Put images into units.

    Args:
        ids: Image ids.
        groups: Regular expression that finds the name of an image's group in its id: what its brackets enclose, or the
            whole match. Every image is a unit of its own without it.
        classes: Classes of each image; may be empty.

    Returns:
        Units, sorted by their names.

    Raises:
        UserError: It is no regular expression, or an id has no such part.
    """
    members: Dict[Tuple[str, ...], List[str]] = {}
    for image_id in sorted(ids):
        try:
            match = re.search(groups or '.*', image_id)
        except re.error as error:
            raise UserError(f'--groups {groups}: not a regular expression ({error}).') from error
        if match is None:
            raise UserError(f"--groups {groups} finds nothing in the image id '{image_id}': every image needs a group.")
        name = tuple(part or '' for part in match.groups()) or (match.group(),)
        members.setdefault(name, []).append(image_id)
    return [
        Unit(tuple(inside), Counter(label for image_id in inside for label in classes.get(image_id, ())))
        for _, inside in sorted(members.items())
    ]


def random_rings(units: Sequence[Unit], sizes: Sequence[int], order: np.ndarray) -> List[List[Unit]]:
    """Fill subsets in a random order, each beginning with the one before; a group that does not fit is left out.

    Args:
        units: All images.
        sizes: Numbers of images, ascending.
        order: A permutation of the units. With one image per unit, a subset is a prefix of it.

    Returns:
        What each subset adds to the one before.
    """
    left, placed, rings = [units[index] for index in order], 0, []
    for size in sizes:
        ring: List[Unit] = []
        for unit in left:
            if placed + len(unit.ids) <= size:
                ring.append(unit)
                placed += len(unit.ids)
        left = _without(left, ring)
        rings.append(ring)
    return rings


def stratified_rings(units: Sequence[Unit], sizes: Sequence[int], random: np.random.RandomState) -> List[List[Unit]]:
    """Fill subsets so that each has every class, and then every class as often as the whole list has it.

    First the smallest subset, then the next, takes units until it has all classes, rare ones first (:func:`cover`). All
    others are dealt out by iterative stratification of multi-label data (Sechidis et al., ECML PKDD 2011, algorithm 1),
    with what a subset adds to the one before, and what no subset has, as the parts of the partition: the units of the
    class that the fewest of the remaining images have go, one by one, to the part that lacks most of this class. A part
    that is full takes no more, so subsets of single images have their exact size.

    Args:
        units: All images.
        sizes: Numbers of images, ascending.
        random: Order of the units, and choice between equal parts.

    Returns:
        What each subset adds to the one before.
    """
    left = [units[index] for index in random.permutation(len(units))]
    total = _count(units)
    steps = np.diff([0, *sizes, sum(len(unit.ids) for unit in units)]).tolist()
    parts: List[List[Unit]] = [[] for _ in steps]
    missing = set(total)
    for part, room in zip(parts[:-1], steps):
        part += cover(left, missing, room, total)
        left = _without(left, part)
        missing -= set(_count(part))
    room = [step - sum(len(unit.ids) for unit in part) for step, part in zip(steps, parts)]
    lack = [
        {label: count * step / sum(steps) - have[label] for label, count in total.items()}
        for step, have in zip(steps, map(_count, parts))
    ]
    for unit, label in _rarest_first(left):
        fitting = [k for k in range(len(parts)) if room[k] >= len(unit.ids)] or [len(parts) - 1]
        ranks = [(0.0 if label is None else lack[k][label], room[k], random.rand()) for k in fitting]
        chosen = fitting[ranks.index(max(ranks))]
        parts[chosen].append(unit)
        room[chosen] -= len(unit.ids)
        for own, count in unit.counts.items():
            lack[chosen][own] -= count
    return parts[:-1]


def _rarest_first(units: Sequence[Unit]) -> Iterable[Tuple[Unit, Optional[int]]]:
    """Yield units by the class that the fewest of the remaining images have; those without a class come last."""
    left = list(units)
    remaining = _count(left)
    while any(remaining.values()):
        label = min((label for label, count in remaining.items() if count), key=lambda one: (remaining[one], one))
        having = [unit for unit in left if label in unit.counts]
        left = [unit for unit in left if label not in unit.counts]
        for unit in having:
            yield unit, label
        remaining = _count(left)
    for unit in left:
        yield unit, None


def _count(units: Iterable[Unit]) -> Counter:
    """Count the images that have each class."""
    counts: Counter = Counter()
    for unit in units:
        counts.update(unit.counts)
    return counts


def _without(units: Sequence[Unit], taken: Sequence[Unit]) -> List[Unit]:
    names = {unit.ids for unit in taken}
    return [unit for unit in units if unit.ids not in names]
