"""Decides which images teach and which validate, so that neighbors stay on one side."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Set, Tuple

import numpy as np

from ..class_cover import Unit
from ..cli import UserError
from ..subsets import random_rings, stratified_rings
from .labels import Labels
from .neighbors import alike_pairs, clusters, group_of, guess_groups
from .photos import Photo

TRIES = 40
"""Draws of the sets, of which the best is taken."""


@dataclass
class Sides:
    """The images by what they are for.

    Attributes:
        labeled: Images that teach with their masks.
        val: Images for validation.
        unlabeled: Images that teach without a mask.
        left_out: Images that are not used, by the reason.
        groups: The regular expression that names groups; empty if there are none.
        num_groups: Number of groups among the images with masks.
        alike: Near duplicates among all images, each with another one.
        notes: What the user should know about it.
    """

    labeled: List[Photo]
    val: List[Photo]
    unlabeled: List[Photo]
    left_out: Dict[str, List[Photo]]
    groups: str = ''
    num_groups: int = 0
    alike: List[Tuple[Photo, Photo]] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)


def divide(photos: List[Photo], labels: Labels, share: float, groups: Optional[str], seed: int = 0) -> Sides:
    """Divide the images.

    Args:
        photos: All usable images; those that are divided have a mask.
        labels: What the masks mean.
        share: Share of the masks for validation, in (0, 1).
        groups: Regular expression that finds the name of a group in an id; None: find out; empty: there are none.
        seed: Seed of the draws.

    Raises:
        UserError: There are fewer than two masks, or the expression finds nothing.
    """
    if groups is None:
        groups = guess_groups(photos) or ''
    elif groups and not any(re.search(groups, photo.id) for photo in photos):
        raise UserError(f'--groups {groups} finds nothing in the name of any image, such as {photos[0].id}.')
    pairs = alike_pairs(photos)
    if groups:
        first: Dict[str, int] = {}
        together = [(first.setdefault(group_of(one.id, groups), place), place) for place, one in enumerate(photos)]
    else:
        together = []
    units = [[photos[place] for place in cluster] for cluster in clusters(len(photos), [*pairs, *together])]
    masked = [[photo for photo in unit if photo.mask] for unit in units]
    val = _draw_val([unit for unit in masked if unit], labels, share, seed)
    notes: List[str] = []
    if val is None:
        val = _last_ones([photo for photo in photos if photo.mask], share)
        notes.append(
            'All images with masks belong together (one group, or near duplicates), so the last of them validate: '
            'its images resemble those that teach, and scores are too high for new images.'
        )
    chosen = {id(photo) for photo in val}
    beside = {id(one) for unit in units if any(id(photo) in chosen for photo in unit) for one in unit}
    beside = set() if notes else beside
    labeled = [photo for photo in photos if photo.mask and id(photo) not in chosen]
    rest = [photo for photo in photos if not photo.mask]
    sides = Sides(labeled, val, *_unlabeled(rest, pairs, photos, beside), groups=groups, notes=notes)
    sides.num_groups = len({group_of(photo.id, groups) for photo in photos if photo.mask}) if groups else 0
    sides.alike = [(photos[first], photos[second]) for first, second in pairs]
    return sides


def _draw_val(units: List[List[Photo]], labels: Labels, share: float, seed: int) -> Optional[List[Photo]]:
    """Draw the images for validation; None if all belong together."""
    number = sum(map(len, units))
    if number < 2:
        raise UserError(
            f'{number} image(s) with a readable mask: two are needed at least, to learn from and for validation.'
        )
    if len(units) < 2:
        return None
    by_ids = {str(place): unit for place, unit in enumerate(units)}
    made, size = [], max(1, min(number - 1, round(share * number)))
    for place, unit in by_ids.items():
        counts = Counter(label for one in unit for label in labels.pixels(one).nonzero()[0].tolist())
        made.append(Unit(tuple(place for _ in unit), counts))
    best: Tuple[Tuple[float, ...], Set[str]] = ((np.inf,), set())
    for attempt in range(TRIES):
        random = np.random.RandomState(seed + attempt)
        # what teaches gets every class first; what is left of it validates
        teaching = {unit.ids[0] for ring in stratified_rings(made, [number - size], random) for unit in ring}
        small = {unit.ids[0] for ring in random_rings(made, [size], random.permutation(len(made))) for unit in ring}
        for chosen in (set(by_ids) - teaching, small):
            if 0 < len(chosen) < len(by_ids):
                best = min(best, (_faults(made, chosen, number, size), chosen), key=lambda one: one[0])
    if not best[1]:  # every group is larger than the share
        best = ((0.0,), {min(made, key=lambda unit: len(unit.ids)).ids[0]})
    return [photo for place in sorted(best[1], key=int) for photo in by_ids[place]]


def _faults(units: Sequence[Unit], chosen: Set[str], number: int, size: int) -> Tuple[float, ...]:
    """Rank a choice: classes that nothing teaches, then the wrong size, then classes that are not validated."""
    val = [unit for unit in units if unit.ids[0] in chosen]
    taught = {label for unit in units if unit.ids[0] not in chosen for label in unit.counts}
    scored = {label for unit in val for label in unit.counts}
    every = taught | scored
    off = abs(sum(len(unit.ids) for unit in val) - size) / number
    return (float(len(every - taught)), round(off, 1), float(len(every - scored)), off)


def _last_ones(photos: List[Photo], share: float) -> List[Photo]:
    """Return the last images in the order of their names."""
    size = max(1, min(len(photos) - 1, round(share * len(photos))))
    return sorted(photos, key=lambda photo: photo.id)[-size:]


def _unlabeled(
    rest: List[Photo], pairs: Sequence[Tuple[int, int]], photos: List[Photo], beside: Set[int]
) -> Tuple[List[Photo], Dict[str, List[Photo]]]:
    """Return the images without masks that may teach, and those that are left out."""
    doubled = {
        id(photos[second if photos[first].mask else first])
        for first, second in pairs
        if bool(photos[first].mask) != bool(photos[second].mask)
    }
    left_out: Dict[str, List[Photo]] = {
        'of a group, or nearly the same, as an image for validation': [photo for photo in rest if id(photo) in beside],
        'nearly the same as a labeled image': [p for p in rest if id(p) in doubled and id(p) not in beside],
    }
    gone = {id(photo) for some in left_out.values() for photo in some}
    return [p for p in rest if id(p) not in gone], {why: some for why, some in left_out.items() if some}
