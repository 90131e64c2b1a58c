"""Colors that the palettes of index masks give to an index."""

import io
from typing import Dict, Iterable, Iterator, NamedTuple, Optional, Sequence, Tuple

from PIL import Image, UnidentifiedImageError

from .report import Problem

Color = Tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


def palette_of(content: bytes, values: Sequence[int]) -> Dict[int, Color]:
    """Return the color of each value that occurs in a mask.

    Args:
        content: Content of the file.
        values: Values of the mask.

    Returns:
        Value -> color; empty if the file has no palette.
    """
    try:
        image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError:  # scribbles in XML
        return {}
    if image.palette is None:
        return {}
    kind, flat = image.palette.getdata()
    if kind != 'RGB':  # of a PNG it is; getpalette() decodes all pixels, too
        flat = bytes(image.getpalette() or ())
    colors = dict(enumerate(zip(*[iter(flat)] * 3)))
    return {value: colors[value] for value in values if value in colors}


class TwoColors(NamedTuple):
    """A value with two colors."""

    value: int
    colors: Tuple[Color, Color]
    masks: Tuple[str, str]


def find_two_colors(palettes: Iterable[Tuple[str, Dict[int, Color]]]) -> Optional[TwoColors]:
    """Find an index that has two colors in masks that belong together.

    Args:
        palettes: Path of each mask, and its colors of :func:`palette_of`.

    Returns:
        The first such index; None if there is none.
    """
    first: Dict[int, Tuple[str, Color]] = {}
    for path, palette in palettes:
        for value, color in palette.items():
            other, known = first.setdefault(value, (path, color))
            if known != color:
                return TwoColors(value, (known, color), (other, path))
    return None


def palette_warnings(key: str, palettes: Iterable[Tuple[str, Dict[int, Color]]], command: str) -> Iterator[Problem]:
    """Yield a warning if the masks of a set show one index in two colors.

    Args:
        key: Place of the dataset in the config.
        palettes: See :func:`find_two_colors`.
        command: Command line of the tool.

    Yields:
        At most one.
    """
    found = find_two_colors(palettes)
    if found:
        one, other = (','.join(map(str, color)) for color in found.colors)
        yield Problem(
            'palettes',
            f'{key}: index {found.value} has the color {one} in the palette of {found.masks[0]}, {other} in that of '
            f'{found.masks[1]}. Masks are read by index, whatever its color. If the indices are right, save the masks '
            'with one palette, or without; if the colors are, save them as RGB images, with the colors of the classes '
            f'in metainfo.palette, and let this write new masks: {command} --fix OUT',
        )
