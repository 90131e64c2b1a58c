"""Parts of a README that a tool writes, between ``<!-- <name>:begin -->`` and ``<!-- <name>:end -->``."""

import inspect
import re
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from .cli import UserError


def write_blocks(readme: Path, make: Dict[str, Callable[..., str]]) -> List[str]:
    """Replace the text between the markers of a README, as :func:`with_blocks` does, in the file.

    Returns:
        Names of the blocks that were written.
    """
    content, written = with_blocks(readme, make)
    readme.write_text(content, encoding='utf-8')
    return written


def with_blocks(readme: Path, make: Dict[str, Callable[..., str]]) -> Tuple[str, List[str]]:
    """Return a README's text with new text between its markers, for every block that the file has.

    Several may have one name, and a block may carry settings of its own: ``<!-- results:begin classes=pole,sign -->``.

    Args:
        readme: The file.
        make: Name of a block -> function that returns its text, given the block's settings as keyword arguments.

    Returns:
        The text, and the names of the blocks that were replaced.

    Raises:
        UserError: The file has no block, one marker without the other, or a setting that the block does not have.
    """
    content = readme.read_text(encoding='utf-8') if readme.is_file() else ''
    written = []
    for name, text in make.items():
        begin, end = rf'<!-- {name}:begin((?: \w+=\S+)*) -->', f'<!-- {name}:end -->'
        block = re.compile(f'({begin}).*?{end}', re.DOTALL)
        count = len(block.findall(content))
        if not content.count(end) == len(re.findall(begin, content)) == count:
            raise UserError(f'{readme} needs a line {end} behind every line <!-- {name}:begin -->.')

        def filled(found: 're.Match[str]', make_text: Callable[..., str] = text, end: str = end) -> str:
            settings = dict(pair.split('=', 1) for pair in found[2].split())
            unknown = sorted(settings.keys() - inspect.signature(make_text).parameters.keys())
            if unknown:
                raise UserError(f'{readme}: {found[1]} has the setting {unknown[0]}, which this block does not take.')
            return f'{found[1]}\n{make_text(**settings)}\n{end}'

        content = block.sub(filled, content)
        written += [name] * bool(count)
    if not written:
        names = ', '.join(f'<!-- {name}:begin --> and <!-- {name}:end -->' for name in make)
        raise UserError(f'{readme} needs lines that say where a table goes: {names}.')
    return content, written
