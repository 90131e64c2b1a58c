"""Errors that someone could make in a method, each written by hand in ``named.txt``."""

from pathlib import Path
from typing import Iterator, Tuple

from mutant import Mutant

LINES = Path(__file__).with_suffix('.txt').read_text().split('\n')
ERRORS: Tuple[Tuple[str, ...], ...] = tuple(
    tuple(part.strip() for part in line.split(' | ', 2)) for line in LINES if ' | ' in line and line[0] != '#'
)
"""File, what it is, and the change."""


def named(name: str, source: str) -> Iterator[Mutant]:
    """The errors in a file.

    Raises:
        SystemExit: The file has changed so that one of them is no longer possible.
    """
    for file, what, change in ERRORS:
        if file == name:
            old, new = change.split(' ==> ')
            if old not in source:
                raise SystemExit(f'named.txt: {file}.py no longer has {old!r}; write "{what}" anew.')
            line = source[: source.index(old)].count('\n') + 1
            yield Mutant(line, f'named: {what}', source.replace(old, new, 1))
