"""The table of results: one row per list of labeled images, method and set of options."""

import math
import re
import statistics
from collections import defaultdict
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..utils.project_files import CONFIGS
from .run_logs import Run, method_names

BEFORE_CLASSES = ('labels', 'method', 'draws', 'iterations', 'mIoU', 'second network')
AFTER_CLASSES = ('ECE', 'ms per step', 'memory')


class Row(NamedTuple):
    """Settings that all runs of one row share."""

    labels: str
    method: str
    variant: str
    options: Tuple[str, ...]
    iterations: int
    draw: str = ''  # where every draw has a row of its own


def spread(values: Sequence[Optional[float]], digits: int = 2) -> str:
    """Return the mean and, of several values, their deviation: ``38.20 ± 0.71``; ``-`` if one is missing or NaN."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    if len(known) < len(values) or not known:
        return '-'
    text = f'{statistics.mean(known):.{digits}f}'
    return f'{text} ± {statistics.stdev(known):.{digits}f}' if len(known) > 1 else text


def group_rows(runs: List[Run], methods: Sequence[str], by_draw: bool = False) -> Dict[Row, List[Run]]:
    """Group runs of one setting into rows, ordered by list, then by the order of ``methods``."""
    groups: Dict[Row, List[Run]] = defaultdict(list)
    for run in runs:
        draw = run.draw if by_draw else ''
        groups[Row(run.labels, run.method, run.variant, run.options, run.iterations, draw)].append(run)
    rank = {method: place for place, method in enumerate(dict.fromkeys([*methods, *(run.method for run in runs)]))}

    def key(row: Row) -> tuple:
        return list_order(row.labels), row.labels, rank[row.method], *row[2:]

    return {row: groups[row] for row in sorted(groups, key=key)}


def results_table(runs: List[Run], methods: Sequence[str], by_draw: bool = False, classes: Sequence[str] = ()) -> str:
    """Make the markdown table of runs of one network and dataset.

    Args:
        runs: What was run.
        methods: What names of configs begin with, in the order of the rows; one that has configs for this network and
            data but no run on a list is said to be not run.
        by_draw: Give every draw a row of its own.
        classes: Classes whose IoU has a column, where a run has it.

    Returns:
        The table.
    """
    done = {(run.labels, run.method) for run in runs}
    setting = runs[0].setting
    possible = [method for method in methods if any(CONFIGS.glob(f'{method}/*_{setting}_*.py'))]
    lists = {run.labels for run in runs if list_order(run.labels) < 1}  # a ceiling needs no other method
    absent = [_absent(runs[0], labels, method) for labels in lists for method in possible]
    rows = group_rows([*runs, *(run for run in absent if (run.labels, run.method) not in done)], methods, by_draw)
    scored = {key.rpartition('IoU.')[2] for run in runs for key in run.metrics if 'IoU.' in key}
    shown = [label for label in classes if label in scored]
    head = [*BEFORE_CLASSES, *shown, *AFTER_CLASSES]
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    for row, group in rows.items():
        cells = _numbers(group, shown) if row.iterations else ['not run', *[''] * (len(head) - 3)]
        lines.append('| ' + ' | '.join([row.labels, row_name(row), *cells]) + ' |')
    return '\n'.join(lines)


def row_name(row: Row) -> str:
    """Return the name of the method, and the settings that the row changes."""
    changes = [f'`{change}`' for change in (row.variant, *row.options) if change]
    return ' '.join([method_names().get(row.method, row.method), *changes])


def list_order(labels: str) -> float:
    """Return the rank of a list: numbers of images come first, then shares, then (1.0) all images."""
    ratio = re.fullmatch(r'(1-)?(\d+)', labels.split('/')[-1])
    return 1.0 if ratio is None else (1 if ratio.group(1) else -1) / int(ratio.group(2))


def _absent(like: Run, labels: str, method: str) -> Run:
    """Make an entry for a run that does not exist, with 0 iterations."""
    return like._replace(labels=labels, method=method, variant='', options=(), iterations=0)


def draws(group: List[Run]) -> str:
    """Return the draws of a row's runs: ``0, 2``; ``-`` for a list that is not drawn."""
    found = (re.search(r'_draw(\d+)\.txt$', run.draw) for run in group)
    return ', '.join(sorted({match.group(1) for match in found if match})) or '-'


def first_miou(metrics: Dict[str, float]) -> float:
    """Return the mIoU of the first network."""
    return next(value for key, value in metrics.items() if key.endswith('mIoU'))


def _numbers(group: List[Run], shown: Sequence[str]) -> List[str]:
    """Return the cells of one row behind the method's name."""
    names = [key[: -len('mIoU')] for key in group[0].metrics if key.endswith('mIoU')]  # '' or 'student/'...
    names = [name for name in names if name] or names  # of several networks the first has both

    def cell(key: str) -> str:
        return spread([run.metrics.get(key) for run in group])

    first, *rest = (f'{cell(f"{name}mIoU")} {name.rstrip("/")}'.strip() for name in names)
    classes = (cell(f'{names[0]}IoU.{label}') for label in shown)
    seeds = len({run.seed for run in group})
    # one mean over two kinds of hardware would say nothing
    alike = len({run.hardware for run in group}) == 1
    cost = [spread([getattr(run, part) for run in group], 0) if alike else '-' for part in ('step_ms', 'memory_mb')]
    drawn = f'{draws(group)} ({seeds} seeds)' if seeds > 1 else draws(group)
    return [drawn, str(group[0].iterations), first, ', '.join(rest) or '-', *classes, cell('ECE'), *cost]
