"""Parts of a README that a tool writes, between ``<!-- <name>:begin -->`` and ``<!-- <name>:end -->``."""

from pathlib import Path
from typing import Callable, Dict, List

from .cli import UserError


def write_blocks(readme: Path, make: Dict[str, Callable[[], str]]) -> List[str]:
    """Replace what stands between the markers of a README, for every block that it has.

    Args:
        readme: The file.
        make: Name of a block -> what makes its text.

    Returns:
        Names of the blocks that were written.

    Raises:
        UserError: The file has no block, or one marker without the other.
    """
    content = readme.read_text(encoding='utf-8') if readme.is_file() else ''
    written = []
    for name, text in make.items():
        begin, end = (f'<!-- {name}:{side} -->' for side in ('begin', 'end'))
        if content.count(begin) != content.count(end) or content.count(begin) > 1:
            raise UserError(f'{readme} needs one line {begin} and one line {end}.')
        if begin in content:
            before, rest = content.split(begin)
            content = f'{before}{begin}\n{text()}\n{end}{rest.split(end)[1]}'
            written.append(name)
    if not written:
        names = ', '.join(f'<!-- {name}:begin --> and <!-- {name}:end -->' for name in make)
        raise UserError(f'{readme} needs lines that say where a table goes: {names}.')
    readme.write_text(content, encoding='utf-8')
    return written
