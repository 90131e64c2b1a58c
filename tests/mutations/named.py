"""Errors that someone could make in a method, each written by hand in ``named.txt``."""

from pathlib import Path
from typing import Iterator, List, Tuple

from mutant import Mutant
from plan import path_of

LINES = Path(__file__).with_suffix('.txt').read_text().split('\n')
ERRORS: Tuple[Tuple[str, ...], ...] = tuple(
    tuple(part.strip() for part in line.split(' | ', 2)) for line in LINES if ' | ' in line and line[0] != '#'
)
"""File, what it is, and the change."""


def named(name: str, source: str) -> Iterator[Mutant]:
    """The errors in a file."""
    for file, what, change in ERRORS:
        if file == name:
            old, new = change.split(' ==> ')
            line = source[: source.index(old)].count('\n') + 1
            yield Mutant(line, f'named: {what}', source.replace(old, new, 1))


def outdated(root: Path) -> List[str]:
    """Errors that are no longer possible, because the code has changed: to be written anew where it is now."""
    gone = []
    for file, what, change in ERRORS:
        path, old = path_of(root, file), change.split(' ==> ')[0]
        if path is None or old not in path.read_text():
            gone.append(f'named.txt: {file}.py has no {old!r}; write "{what}" anew where it is now.')
    return gone
