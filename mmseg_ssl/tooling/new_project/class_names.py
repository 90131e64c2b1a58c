"""Names and colors of classes."""

from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from ...datasets.checks.palettes import Color
from ..cli import UserError


class Name(NamedTuple):
    """A class that the user names; a color if the masks have colors."""

    text: str
    color: Optional[Color] = None


def distinct_colors(number: int, first: int = 0) -> List[Color]:
    """Return colors that are easily told apart: VOC's, whose highest bits are the lowest of the index.

    Args:
        number: Number of colors.
        first: Index of the first one; 0 is black.
    """

    def channel(index: int, shift: int) -> int:
        return sum((index >> 3 * place + shift & 1) << 7 - place for place in range(3))

    return [(channel(index, 0), channel(index, 1), channel(index, 2)) for index in range(first, first + number)]


def read_names(given: str) -> List[Name]:
    """Read the classes that a user names.

    Args:
        given: ``sky,building,road``, or a file with one per line: ``name``, or ``name: 128,0,0`` with its color (also
            what CVAT calls ``labelmap.txt``). Labelme's ``__ignore__`` is no class: it is 255 in masks.

    Raises:
        UserError: A name or a color occurs twice, a line has no name, or what follows it is no color.
    """
    path = Path(given)
    lines = path.read_text(encoding='utf-8-sig').splitlines() if path.is_file() else given.split(',')
    names: List[Name] = []
    places: Dict[Optional[Color], str] = {}  # where each color stands
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if line and not line.startswith('#') and line != '__ignore__':
            text, _, rest = line.partition(':')
            numbers = [part.strip() for part in rest.split(':')[0].split(',')]
            known = len(numbers) == 3 and all(part.isdigit() and int(part) < 256 for part in numbers)
            if not known and any(numbers):
                raise UserError(
                    f'--classes {given}: {line!r} is neither a name nor "name: r,g,b" with numbers from 0 to 255. '
                    'Where masks hold values, write one name per line, in the order of the values.'
                )
            color = (int(numbers[0]), int(numbers[1]), int(numbers[2])) if known else None
            if color in places:
                raise UserError(
                    f'--classes {given}: {places[color]} and line {number} ({line!r}) have one color, so masks cannot '
                    'tell them apart. Correct one of the colors, or remove one of the lines.'
                )
            names.append(Name(text.strip(), color))
            if color:
                places[color] = f'line {number} ({line!r})'
    twice = [text for text, count in Counter(name.text for name in names).items() if count > 1]
    if twice or not names or not all(name.text for name in names):
        raise UserError(f'--classes {given}: {f"{twice[0]} occurs twice" if twice else "a name is missing"}.')
    return names
