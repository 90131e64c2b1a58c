"""The findings of a check, and their text."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from ...errors import DatasetError
from .image_files import Size

ALIKE = 4
"""Number of problems of one kind that are written out."""


class Problem(NamedTuple):
    """A problem or a warning.

    Attributes:
        kind: Short name; of one kind, only the first few problems are listed.
        text: What was expected, what was found, and the fix.
        fix: A fix for all problems of this kind, which is listed once.
    """

    kind: str
    text: str
    fix: str = ''


@dataclass
class SetFacts:
    """Facts about one set of images.

    Attributes:
        role: ``labeled``, ``unlabeled``, ``val`` or ``test``.
        key: Place of its dataset in the config.
        images: Number of images.
        checked: Number of images that were looked at.
        sizes: Number of images per size.
        classes: Names of the classes; empty without masks.
        pixels: Labeled pixels per class.
        holders: Number of images that show each class.
    """

    role: str
    key: str
    images: int
    checked: int
    sizes: Counter = field(default_factory=Counter)
    classes: Tuple[str, ...] = ()
    pixels: Optional[np.ndarray] = None
    holders: Optional[np.ndarray] = None

    def line(self) -> str:
        """Return one line: role, images, sizes, place in the config."""
        part = '' if self.checked == self.images else f', {self.checked} of them looked at, evenly spaced'
        return f'{self.role:<10}{self.images} images{_sizes(self.sizes)}{part} ({self.key})'


@dataclass
class Report:
    """The findings of a check.

    Attributes:
        sets: The sets of images.
        problems: Findings that stop training.
        warnings: Findings that do not.
        command: Command line of ``tools/check_dataset.py`` for this config.
    """

    sets: List[SetFacts] = field(default_factory=list)
    problems: List[Problem] = field(default_factory=list)
    warnings: List[Problem] = field(default_factory=list)
    command: str = 'python tools/check_dataset.py CONFIG'

    @property
    def num_images(self) -> int:
        """Number of images that were looked at."""
        return sum(one.checked for one in self.sets)

    def stop_on_problems(self) -> None:
        """Raise an error if there is a problem.

        Raises:
            DatasetError: Lists the problems, each with the file and the fix.
        """
        if self.problems:
            listed = '\n  '.join(self.listed(self.problems))
            raise DatasetError(f'{len(self.problems)} problem(s) with the data:\n  {listed}')

    def log(self, logger: logging.Logger) -> None:
        """Write the sets and the warnings to the log of a run.

        Args:
            logger: The run's logger.
        """
        for one in self.sets:
            logger.info(f'Data looked at: {one.line()}')
        for text in self.listed(self.warnings):
            logger.warning(f'Data: {text}')

    def listed(self, problems: List[Problem]) -> List[str]:
        """Return one line per problem, only the first few of each kind.

        Args:
            problems: Problems or warnings.
        """
        counts, lines = Counter((one.kind, one.fix) for one in problems), []
        for (kind, fix), number in counts.items():
            texts = [one.text for one in problems if (one.kind, one.fix) == (kind, fix)]
            lines += texts[:ALIKE]
            if number > ALIKE:
                lines.append(f'... and {number - ALIKE} more of this kind ({kind})')
            lines += [f'-> {fix}'] if fix else []
        return lines

    def __str__(self) -> str:
        """Return sets, classes and warnings as text."""
        lines = [one.line() for one in self.sets]
        for one in self.sets:
            if one.pixels is not None and one.role in ('labeled', 'val'):
                lines += ['', *_class_table(one)]
        if self.warnings:
            lines += ['', *(f'warning: {text}' for text in self.listed(self.warnings))]
        return '\n'.join(lines)


def _sizes(sizes: Counter) -> str:
    """Return width x height, or the range of sizes."""
    known: List[Size] = sorted(sizes, key=lambda size: size[0] * size[1])
    if not known:
        return ''
    first, last = ('x'.join(map(str, size)) for size in (known[0], known[-1]))
    return f', {first}' if len(known) == 1 else f', {first} to {last} ({len(known)} sizes)'


def _class_table(one: SetFacts) -> List[str]:
    """Return the lines of a table: share of the labeled pixels and number of images per class."""
    assert one.pixels is not None and one.holders is not None
    title = f'{one.role} pixels'
    width = max(len(name) for name in (title, *one.classes))
    shares = 100 * one.pixels / max(one.pixels.sum(), 1)
    rows = [
        f'  {index:>3} {name:<{width}} {share:7.2f} % {count:>7}'
        for index, (name, share, count) in enumerate(zip(one.classes, shares, one.holders))
    ]
    return [f'  {"":>3} {title:<{width}} {"share":>9} {"images":>7}', *rows]
