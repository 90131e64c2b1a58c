"""Finds images that belong together: near duplicates, frames of a video, images of a patient."""

import re
from collections import defaultdict
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from .photos import Photo

ALIKE = 0.99
"""Correlation of two images at 16x16 from which they are near duplicates: copies, resized or compressed again."""
CHUNK = 1024
IN_ORDER = 0.75
"""Correlation of images that follow each other in a group, from which the group is taken for a sequence..."""
ABOVE_OTHERS = 0.15
"""...if it is so far above that of any two images."""
WORDS = re.compile(r'(patient|subject|person|case|video|clip|sequence|seq|series|scene|session|study|slide)s?', re.I)
"""Folders and names that say by themselves that their images belong together."""


def alike_pairs(photos: Sequence[Photo]) -> List[Tuple[int, int]]:
    """Return the pairs of near duplicates, by their places, the smaller first.

    Mirrored or cropped copies are not found. Where more than half of all images are alike, such as parts before one
    background, likeness says nothing, and no pair is returned.
    """
    looks = np.stack([photo.look for photo in photos]) if photos else np.zeros((0, 1), np.float32)
    pairs: List[Tuple[int, int]] = []
    for start in range(0, len(looks), CHUNK):
        rows, columns = np.nonzero(looks[start : start + CHUNK] @ looks.T > ALIKE)
        pairs += [(start + row, column) for row, column in zip(rows.tolist(), columns.tolist()) if start + row < column]
    largest = max(map(len, clusters(len(photos), pairs)), default=0)
    return [] if len(photos) > 8 and largest > len(photos) / 2 and not _follow_each_other([photos], photos) else pairs


def clusters(number: int, pairs: Sequence[Tuple[int, int]]) -> List[List[int]]:
    """Join pairs: return the numbers below ``number`` in groups that pairs connect, each ascending."""
    root = list(range(number))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for first, second in pairs:
        low, high = sorted((find(first), find(second)))
        root[high] = low
    members: Dict[int, List[int]] = defaultdict(list)
    for one in range(number):
        members[find(one)].append(one)
    return list(members.values())


def guess_groups(photos: Sequence[Photo]) -> Optional[str]:
    """Find out whether names tell groups of images that belong together.

    Candidates are the folder, and what stands before the last number of the name. It counts if it contains a word such
    as ``patient`` or ``video``, or if images that follow each other in a group are far more alike than any two are.

    Args:
        photos: All images of one folder.

    Returns:
        A regular expression for :func:`group_of`; None if there are no such groups.
    """
    for pattern in (r'^(.+)/', r'^(.*?)\d+\D*$'):
        groups = _by_group(photos, pattern)
        largest = max(map(len, groups.values()), default=0)
        if largest < 2 or len(groups) == len(photos):
            continue
        worded = len(groups) > 1 and all(WORDS.search(name) for name in groups)
        if worded or _follow_each_other(groups.values(), photos):
            return pattern
    return None


def group_of(image_id: str, pattern: str) -> str:
    """Return the name of an image's group; the image's own id if the pattern does not fit it."""
    match = re.search(pattern, image_id)
    return image_id if match is None else '/'.join(part or '' for part in match.groups()) or match.group()


def _by_group(photos: Sequence[Photo], pattern: str) -> Dict[str, List[Photo]]:
    groups: Dict[str, List[Photo]] = defaultdict(list)
    for photo in photos:
        groups[group_of(photo.id, pattern)].append(photo)
    return groups


def _follow_each_other(groups: Iterable[Sequence[Photo]], photos: Sequence[Photo]) -> bool:
    """Check if images that follow each other in a group are far more alike than any two images are."""
    near = [float(a.look @ b.look) for group in groups for a, b in zip(group, group[1:])]
    spread = np.random.RandomState(0).randint(0, len(photos), (512, 2))
    far = [float(photos[a].look @ photos[b].look) for a, b in spread if a != b]
    if not near or not far:
        return False
    return bool(np.median(near) > max(IN_ORDER, np.median(far) + ABOVE_OTHERS))
