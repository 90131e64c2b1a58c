"""Decides whether all masks of a folder are read by value or by color."""

from typing import Dict, Iterable, List, Set

from ...datasets.checks.fix import Value, gray_values
from ...datasets.checks.palettes import Color, find_two_colors
from ..cli import UserError
from .class_names import Name
from .photos import Photo


def make_one_kind(photos: List[Photo], names: List[Name], ignored: Iterable[Value]) -> List[str]:
    """Count the pixels of all masks by value or of all by color, and refuse a folder in which neither is possible.

    Of masks with a palette the colors count where the user names colors, other masks hold them, or palettes differ: an
    index then says nothing. Grays are values unless the user names them as colors.

    Args:
        photos: Images with readable masks; their ``counts`` and ``palette`` are changed.
        names: Classes that the user names.
        ignored: Values or colors that are no class.

    Returns:
        What the user should know about it.

    Raises:
        UserError: Some masks hold colors, others plain values; names one of each.
    """
    said = {name.color for name in names if name.color}
    differ = find_two_colors((str(photo.mask), photo.palette) for photo in photos)
    colored = any(photo.mask_channels for photo in photos) or any(isinstance(value, tuple) for value in ignored)
    listed, bare = ([photo for photo in photos if bool(photo.palette) is one] for one in (True, False))
    for photo in photos:
        _take_palette(photo, photo.palette if said or differ or colored else {})
    _settle_grays(photos, said)
    by_color: List[Photo] = []
    plain: List[Photo] = []
    for photo in photos:
        (by_color if any(isinstance(value, tuple) for value in photo.counts) else plain).append(photo)
    if by_color and plain:
        raise UserError(
            f'{by_color[0].mask} holds colors and {plain[0].mask} plain values: these are two kinds of masks. Put one '
            'kind into the folder, or say how the names of the right ones end with --mask-suffix.'
        )
    if said and not by_color:
        return ['The masks hold values, not the colors of --classes, whose order decides; classes.json has the pairs.']
    if differ and not said and by_color:
        return [
            f'The palettes of {differ.masks[0]} and {differ.masks[1]} have two colors for one index, so colors count. '
            'If the indices are right, save the masks without palettes.'
        ]
    if bare and listed and not by_color:
        return [
            f'{listed[0].mask} has a palette, {bare[0].mask} has none, and both are taken by index. If colors count, '
            'name them in a file for --classes, lines "name: r,g,b".'
        ]
    return []


def _take_palette(photo: Photo, palette: Dict[int, Color]) -> None:
    """Count the pixels of a mask by the colors of this palette; by value if it is empty."""
    counts: Dict[Value, int] = {}
    for value, count in photo.counts.items():
        color = palette.get(value, value) if isinstance(value, int) else value
        counts[color] = counts.get(color, 0) + count
    photo.palette, photo.counts = palette, counts


def _settle_grays(photos: List[Photo], said: Set[Color]) -> None:
    """Make grays colors where the user names them; elsewhere values, if no mask has another color."""
    grays = gray_values(list({value for photo in photos for value in photo.counts}))
    if grays and not {(gray, gray, gray) for gray in grays} <= said:
        for photo in photos:
            photo.counts = dict(zip(gray_values(list(photo.counts)), photo.counts.values()))
        return
    for photo in photos:
        shades = {value: (value, value, value) for value in photo.counts if isinstance(value, int)}
        if shades and set(shades.values()) <= said:
            _take_palette(photo, shades)
