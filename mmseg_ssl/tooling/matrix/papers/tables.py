"""Tables and figures of a paper, row by row."""

from dataclasses import dataclass
from typing import Tuple

OF_FORMULAS = ('relaxations', 'cross_entropies')
"""Drawings that follow from formulas alone."""
NO_CLASS = 'no class of this package'


@dataclass(frozen=True)
class Row:
    """A row of a table, or a curve of a figure.

    Args:
        name: As the paper names it, with its network where a table has several.
        config: Configs of the matrix that it is run with: method, network, data and variant, ``'eln r50 voc-eln
            decoders-0'``. Their numbers are those of ``published.py``.
        lists: The config's list in each column, if not the table's; ``''`` for a column that the row does not have.
        numbers: The paper's numbers by column, where ``published.py`` has none.
        keys: Metric in each column, if not the table's.
        reason: Why it has no config, or what to know about the number.
        command: What to run, where it is no training.
    """

    name: str
    config: str = ''
    lists: Tuple[str, ...] = ()
    numbers: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ()
    reason: str = ''
    command: str = ''


@dataclass(frozen=True)
class PaperTable:
    """A table or figure.

    Args:
        name: On the command line: ``table4``, ``figure5``; by its subject where the paper's number is not known.
        title: What is compared, on what data.
        columns: Heads of the columns.
        rows: In the paper's order; none for a figure that is drawn of formulas or of one run.
        protocol: How the paper trains and scores.
        lists: The configs' list in each column; the heads if empty.
        keys: Metric in each column, or one for all.
        draws: Number of random subsets over which the paper takes the mean.
        drawing: What is drawn, of ``reproduction.drawings.DRAWINGS``; tables have none.
        note: What to know about the numbers.
    """

    name: str
    title: str
    columns: Tuple[str, ...] = ()
    rows: Tuple[Row, ...] = ()
    protocol: str = ''
    lists: Tuple[str, ...] = ()
    keys: Tuple[str, ...] = ('mIoU',)
    draws: int = 1
    drawing: str = ''
    note: str = ''

    @property
    def is_of_formulas(self) -> bool:
        """Check if the figure needs neither a record nor a training."""
        return self.drawing in OF_FORMULAS


@dataclass(frozen=True)
class Paper:
    """A system with the tables and figures of its paper.

    Args:
        method: Folder of its configs.
        classes: Classes whose docstrings list the deviations from the paper.
        read: What of the paper could be read, and where the numbers come from.
        tables: All of them.
    """

    method: str
    classes: Tuple[str, ...]
    read: str
    tables: Tuple[PaperTable, ...]
