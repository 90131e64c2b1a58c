"""What a user should know about the files and the classes."""

from typing import List

import numpy as np

from .labels import Labels
from .photos import Photo
from .sides import Sides

SHOWN = 5
"""Files of one kind that a message names."""


def bad_files(photos: List[Photo]) -> List[str]:
    """List the files that cannot be used, with the reasons; nothing if there are none."""
    bad = [photo for photo in photos if photo.problem]
    lines = [f'{photo.path}: {photo.problem}' for photo in bad[:SHOWN]]
    more = [f'... and {len(bad) - SHOWN} more'] if len(bad) > SHOWN else []
    return ['\n  '.join([f'{len(bad)} image(s) cannot be used and are left out:', *lines, *more])] if bad else []


def class_warnings(sides: Sides, labels: Labels) -> List[str]:
    """Say which classes are not taught or not scored, and whether masks look like scribbles."""
    warnings = []
    for photos, cost in ((sides.labeled, 'cannot be learned'), (sides.val, 'will not be scored')):
        pixels = np.sum([labels.pixels(photo) for photo in photos], axis=0)
        absent = [name for name, count in zip(labels.classes, pixels) if not count]
        if absent:
            where = 'that teaches' if photos is sides.labeled else 'for validation'
            warnings.append(f'No mask {where} has {", ".join(absent)}, which {cost}.')
    labeled = sum(int(labels.pixels(photo).sum()) for photo in sides.labeled)
    share = labeled / max(1, sum(sum(photo.counts.values()) for photo in sides.labeled))
    if share < 0.2 and labels.loader is None:
        warnings.append(f'Only {share:.0%} of the pixels are labeled: if the masks are scribbles, give --scribbles.')
    return warnings
