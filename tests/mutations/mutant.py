"""The noun of both kinds of errors."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A file's text with one small error, where it is and what."""

    line: int
    what: str
    source: str
