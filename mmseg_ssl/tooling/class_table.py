"""Results by class: a table for people, and a file for programs."""

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich import box
from rich.console import Console
from rich.table import Table

from ..evaluation import SemiIoUMetric
from ..utils.atomic_files import replace_file

FILE = 'classes.json'
"""In the folder of the test's log; beside it lies the host's file of all metrics."""
LOW = 30.0
"""An IoU below it stands out in a terminal."""
Scores = Dict[str, Dict[str, Dict[str, Optional[float]]]]


def report_classes(loops: Dict[str, Any], folder: str) -> None:
    """Print the results by class, and write them as JSON: set -> network -> class -> scores in percent.

    Args:
        loops: Set (``'test'``, ``'val'``) -> the loop that has evaluated it. Only the first process has results.
        folder: Where the file goes.
    """
    found = {name: _scores(loop.evaluator.metrics) for name, loop in loops.items()}
    found = {name: scores for name, scores in found.items() if scores}
    if not found:
        return
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    for name, scores in found.items():
        console.print(class_table(name, scores))
    path = Path(folder, FILE)
    replace_file(path, json.dumps(found, indent=1).encode())
    console.print(f'Results by class: {path}', soft_wrap=True)


def class_table(name: str, scores: Scores) -> Table:
    """Make a table of a set: a row for each class and one for the means, three columns for each network.

    Args:
        name: Of the set.
        scores: Network -> class -> ``pixels``, ``IoU``, ``accuracy``, ``precision`` in percent, None where undefined.
    """
    table = Table(title=f'{name}, in %', box=box.SIMPLE_HEAD, title_justify='left')
    table.add_column('class')
    table.add_column('pixels', justify='right')
    for network in scores:
        for column in ('IoU', 'accuracy', 'precision'):
            table.add_column(f'{network}\n{column}' if network else column, justify='right')
    first = next(iter(scores.values()))
    for label in first:
        cells = [label, _cell(first[label]['pixels'])]
        for own in scores.values():
            iou = own[label]['IoU']
            cells += [f'[red]{_cell(iou)}[/red]' if iou is not None and iou < LOW else _cell(iou)]
            cells += [_cell(own[label][column]) for column in ('accuracy', 'precision')]
        table.add_row(*cells)
    table.add_section()
    means = [_cell(_mean(own, column)) for own in scores.values() for column in ('IoU', 'accuracy', 'precision')]
    table.add_row('mean', '', *means)
    return table


def _scores(metrics: List[Any]) -> Scores:
    """Return what the first metric of IoUs has found, by network and class."""
    return next((metric.by_class for metric in metrics if isinstance(metric, SemiIoUMetric)), {})


def _mean(own: Dict[str, Dict[str, Optional[float]]], column: str) -> Optional[float]:
    """Return the mean over the classes that have the score."""
    values = [scores[column] for scores in own.values() if scores[column] is not None]
    return sum(value for value in values if value is not None) / len(values) if values else None


def _cell(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:.2f}'
