"""Finds out what the values and colors of masks mean."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ...datasets.checks.fix import Value
from ...structures import IGNORE_INDEX, UNLABELED
from ..cli import UserError
from .class_names import Name, distinct_colors
from .grays import are_grays, are_smoothed
from .mask_kinds import make_one_kind
from .photos import Photo

VOID = (224, 224, 192)
"""The color of borders in VOC's masks."""
MAX_CLASSES = UNLABELED


@dataclass
class Labels:
    """The classes, and what each value of a mask means.

    Attributes:
        classes: Names by index.
        palette: A color (red, green, blue) for each.
        table: Value or color in the files -> class, 254 (nobody labeled it) or 255 (ignored).
        as_they_are: True if the files can be trained on; False if they must be converted.
        loader: Arguments of ``LoadScribbles``; None for full masks.
        notes: What the user should know about it.
    """

    classes: List[str]
    palette: List[List[int]]
    table: Dict[Value, int]
    as_they_are: bool
    loader: Optional[Dict[str, Optional[int]]] = None
    notes: List[str] = field(default_factory=list)

    def pixels(self, photo: Photo) -> np.ndarray:
        """Return the number of pixels of each class in an image's mask, ``(classes,)``."""
        counts = np.zeros(256, np.int64)
        for value, count in photo.counts.items():
            counts[self.table[value]] += count
        return counts[: len(self.classes)]


def read_labels(photos: List[Photo], names: List[Name], ignored: Iterable[Value], scribbles: bool) -> Labels:
    """Find out what the values of all masks mean.

    Args:
        photos: Images with readable masks.
        names: Classes that the user names, in order; may be empty.
        ignored: Values or colors that are no class; one of unlabeled pixels among scribbles stays unlabeled.
        scribbles: True if only some pixels are labeled.

    Raises:
        UserError: The masks make no sense together; names one of them.
    """
    notes = make_one_kind(photos, names, ignored)
    total: Counter = Counter()
    for photo in photos:
        total.update(photo.counts)
    table: Dict[Value, int] = dict.fromkeys({*ignored, VOID} & set(total), IGNORE_INDEX)
    unlabeled = _unlabeled_value(total, table, notes) if scribbles else None
    if unlabeled is not None:
        table[unlabeled] = UNLABELED
    left = {value: count for value, count in total.items() if value not in table}
    if any(isinstance(value, tuple) for value in left):
        classes, palette = _colors(left, table, names, notes, photos)
    else:
        classes, palette = _indices(left, table, names, notes, scribbles)
    if len(classes) < 2 or len({label for label in table.values() if label < UNLABELED}) < 2:
        raise UserError(_one_class(photos, total, classes))
    if len(classes) > MAX_CLASSES:
        raise UserError(f'the masks have {len(classes)} values, more than the {MAX_CLASSES} classes that fit.')
    loader, kept = None, table
    if scribbles:
        own = unlabeled == IGNORE_INDEX  # the form of ScribbleSup
        loader = dict(unlabeled_value=IGNORE_INDEX, void_value=None) if own else {}
        kept = {value: label for value, label in table.items() if not (own and value == IGNORE_INDEX)}
    colored = any(photo.mask_channels or photo.palette for photo in photos)
    as_they_are = not colored and all(value == label for value, label in kept.items())
    if not as_they_are:
        loader = {} if scribbles else None  # they are written anew, with 254 and 255
    return Labels(classes, palette, table, as_they_are, loader, notes)


def _unlabeled_value(total: Counter, table: Dict[Value, int], notes: List[str]) -> Optional[Value]:
    """Return the value of pixels without a scribble: 254 where it occurs, else the most frequent, ignored or not."""
    found = UNLABELED if UNLABELED in total else max(set(total) - {VOID}, key=lambda value: total[value], default=None)
    if found in table and found != UNLABELED:
        notes.append(
            f'--ignore {found}: the most frequent value of scribbles, so it is taken for "not labeled". If another one '
            f'means that, change it to {UNLABELED} in the masks.'
        )
    return found


def _colors(
    left: Dict[Value, int], table: Dict[Value, int], names: List[Name], notes: List[str], photos: List[Photo]
) -> Tuple[List[str], List[List[int]]]:
    """Number the colors: by the user's names, else in ascending order, in which black comes first."""
    known = {name.color: index for index, name in enumerate(names) if name.color}
    if known:
        strange = [value for value in left if value not in known]
        if strange:
            raise UserError(_unnamed(strange[0], left[strange[0]], photos))
        table.update({value: known[value] for value in left})  # type: ignore[index]
        return [name.text for name in names], [list(name.color or (0, 0, 0)) for name in names]
    colors = sorted(value for value in left if isinstance(value, tuple))
    table.update({color: index for index, color in enumerate(colors)})
    if colors and colors[0] == (0, 0, 0):
        share = left[colors[0]] / sum(left.values())
        notes.append(
            f'Black ({share:.0%} of the pixels) is taken for a class, the background. If it means "not labeled", start '
            'again with --ignore 0,0,0'
        )
    if names and len(names) != len(colors):
        raise UserError(f'--classes names {len(names)} classes, the masks have {len(colors)} colors: {colors[:12]}.')
    given = [name.text for name in names] or ['_'.join(map(str, ('rgb', *color))) for color in colors]
    if names:
        pairs = ', '.join(f'{name} is {",".join(map(str, color))}' for name, color in zip(given, colors))
        notes.append(f'Names go to colors in ascending order: {pairs}. If not so: --classes FILE, lines "name: r,g,b"')
    elif colors[0] == (0, 0, 0):
        given[0] = 'background'
    return given, [list(color) for color in colors]


def _unnamed(value: Value, pixels: int, photos: List[Photo]) -> str:
    holder = next(photo for photo in photos if value in photo.counts)
    color = ','.join(map(str, value)) if isinstance(value, tuple) else str(value)
    return (
        f'{holder.mask}: {"its palette has" if holder.palette else "it has"} the color {color} ({pixels} pixels of all '
        f'masks), which --classes does not name. Add a line "name: {color}", or leave it out: --ignore {color}'
        + ('. If the indices count, leave the colors out of --classes.' if holder.palette else '')
    )


def _indices(
    left: Dict[Value, int], table: Dict[Value, int], names: List[Name], notes: List[str], scribbles: bool
) -> Tuple[List[str], List[List[int]]]:
    """Number the plain values: as they are, where they count from 0."""
    values = sorted(int(value) for value in left if isinstance(value, (int, np.integer)))
    if not scribbles and are_grays(values):
        if len(values) > 2:
            notes.append('The values are evenly spaced grays, so 255 is taken for a class. If not: --ignore 255')
        table.update({value: index for index, value in enumerate(values)})
        return _named(['background', 'object'] if len(values) == 2 else _numbered(values), names)
    if not scribbles and are_smoothed(values, left):
        notes.append('The masks are black and white with smoothed edges: grays are cut in the middle.')
        table.update({value: int(value > 127) for value in values})
        return _named(['background', 'object'], names)
    if IGNORE_INDEX in values:
        table[IGNORE_INDEX] = IGNORE_INDEX
        values.remove(IGNORE_INDEX)
    if names and max(values, default=0) < len(names):
        table.update({value: value for value in values})
        return _named([], names)
    table.update({value: index for index, value in enumerate(values)})
    if values != list(range(len(values))):
        shown = ', '.join(map(str, values[:12])) + (', ...' if len(values) > 12 else '')
        notes.append(
            f'The values {shown} became the classes 0 to {len(values) - 1}; classes.json has the pairs. To keep '
            'classes that no mask shows, name them all: --classes'
        )
    binary = values == [0, 1] and not scribbles
    return _named(['background', 'object'] if binary else _numbered(values), names)


def _numbered(values: Sequence[int]) -> List[str]:
    return [f'class_{value}' for value in values]


def _named(default: List[str], names: List[Name]) -> Tuple[List[str], List[List[int]]]:
    """Return the user's names, or the default ones, each with a color."""
    if names and default and len(names) != len(default):
        raise UserError(
            f'--classes names {len(names)} classes, the masks have {len(default)} ({", ".join(default[:12])}).'
        )
    texts = [name.text for name in names] or default
    colors = distinct_colors(len(texts), first=texts[:1] != ['background'])  # black is for what is no object
    return texts, [list(name.color or color) for name, color in zip(names or map(Name, texts), colors)]


def _one_class(photos: List[Photo], total: Counter, classes: List[str]) -> str:
    values = ', '.join(map(str, sorted(total, key=str)[:8]))
    return (
        f'all {len(photos)} masks together have the values {values}, which is {len(classes)} class: there is nothing '
        f'to tell it from. Two classes are 0 and 1, or 0 and 255; beside 0 and 1, 255 is ignored. See {photos[0].mask}.'
    )
