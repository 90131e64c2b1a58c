"""What a user should know about the files and the classes."""

from typing import Iterable, List

import numpy as np

from ...datasets.checks.fix import Value
from ...structures import UNLABELED
from .labels import Labels
from .photos import Photo
from .sides import Sides

CLOSE = 4
"""Largest difference of any channel between two colors that look like one."""
SHOWN = 5
"""Files of one kind that a message names."""


def bad_files(photos: List[Photo]) -> List[str]:
    """List the files that cannot be used, with the reasons; nothing if there are none."""
    bad = [photo for photo in photos if photo.problem]
    lines = [f'{photo.path}: {photo.problem}' for photo in bad[:SHOWN]]
    more = [f'... and {len(bad) - SHOWN} more'] if len(bad) > SHOWN else []
    return ['\n  '.join([f'{len(bad)} image(s) cannot be used and are left out:', *lines, *more])] if bad else []


def value_warnings(labels: Labels, ignored: Iterable[Value]) -> List[str]:
    """Say which ignored values no mask has, which class is probably none, and which colors hardly differ."""
    notes = [f'--ignore {value}: no mask has it.' for value in ignored if value not in labels.table]
    if labels.table.get(UNLABELED, UNLABELED) < UNLABELED and UNLABELED - 1 not in labels.table:
        notes.append(
            f'{labels.classes[labels.table[UNLABELED]]!r} is the value {UNLABELED}, with which scribbles are written '
            f'where nobody labeled. If it means that here, start again with --scribbles, or --ignore {UNLABELED}.'
        )
    found = [value for value, label in labels.table.items() if isinstance(value, tuple) and label < UNLABELED]
    colors = np.array(found, int).reshape(-1, 3)
    apart = np.abs(colors[:, None] - colors[None]).max(axis=2) + 256 * np.eye(len(colors), dtype=int)
    if len(colors) > 1 and apart.min() <= CLOSE:
        one, other = (found[place] for place in np.unravel_index(apart.argmin(), apart.shape))
        notes.append(
            f'The colors {one} and {other} are hardly different, but two classes. If the masks were JPEG once, or '
            'smoothed, export them again; or name the true colors in a file for --classes, the others with --ignore.'
        )
    return notes


def class_warnings(sides: Sides, labels: Labels) -> List[str]:
    """Say which classes are not taught or not scored, and whether masks look like scribbles."""
    warnings = []
    for photos, cost in ((sides.labeled, 'cannot be learned'), (sides.val, 'will not be scored')):
        pixels = np.sum([labels.pixels(photo) for photo in photos], axis=0)
        absent = [name for name, count in zip(labels.classes, pixels) if not count]
        if absent:
            where = 'that teaches' if photos is sides.labeled else 'for validation'
            warnings.append(f'No mask {where} has {", ".join(map(repr, absent))}, which {cost}.')
    empty = [photo for photo in (*sides.labeled, *sides.val) if not labels.pixels(photo).any()]
    if empty:
        warnings.append(f'{len(empty)} mask(s) have no pixel of a class, the first is {empty[0].mask}: remove them.')
    labeled = sum(int(labels.pixels(photo).sum()) for photo in sides.labeled)
    share = labeled / max(1, sum(sum(photo.counts.values()) for photo in sides.labeled))
    if share < 0.2 and labels.loader is None:
        warnings.append(f'Only {share:.0%} of the pixels are labeled: if the masks are scribbles, give --scribbles.')
    return warnings
