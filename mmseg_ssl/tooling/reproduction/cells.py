"""Cells of a paper's table: the config that runs each of them, the paper's number and ours."""

import re
from dataclasses import replace
from typing import Dict, List, NamedTuple, Optional, Sequence

from ..config_leaves import Config
from ..matrix import DATA, PUBLISHED
from ..matrix.papers import PaperTable, Row
from ..results_table import spread
from ..run_logs import HOW_MUCH, Run, without_draw
from .current_runs import is_current
from .project_configs import batch_of, configs, name_of, path_of

NUMBER = re.compile(r'-?\d*\.?\d+')
NOT_RUN = 'not run'


class Cell(NamedTuple):
    """One number of a table."""

    row: Row
    config: Optional[Config]  # None: it cannot be run here
    paper: str  # the paper's number, '' if it has none or none could be read
    key: str  # metric

    @property
    def name(self) -> str:
        """Name of the config's file without suffix; '' without a config."""
        return name_of(self.config) if self.config else ''

    @property
    def path(self) -> str:
        """Path of the config from the root of the project; '' without a config."""
        return path_of(self.config) if self.config else ''


def published(key: str) -> Dict[str, str]:
    """Return the scores that a paper gives for some configs, without notes such as ``(a)``.

    Args:
        key: As of :func:`configs`.

    Returns:
        List -> score, where a number was published.
    """
    method, _, rest = key.partition(' ')
    scores = PUBLISHED.get(method, {}).get(rest, ())
    numbers = ((labels, NUMBER.match(score)) for labels, score in zip(configs().get(key, {}), scores))
    return {labels: number[0] for labels, number in numbers if number}


def cells_of(table: PaperTable, row: Row) -> List[Cell]:
    """Return the cells of a row, one per column.

    Args:
        table: A table of a paper.
        row: One of its rows.
    """
    lists = row.lists or table.lists or table.columns
    keys = row.keys or table.keys * (len(table.columns) if len(table.keys) == 1 else 1)
    own, scores = configs().get(row.config, {}), published(row.config)
    cells = []
    for column in range(len(table.columns)):
        labels = lists[column] if column < len(lists) else ''
        given = row.numbers[column] if row.numbers else scores.get(labels, '') if row.config else ''
        cells.append(Cell(row, own.get(labels), given, keys[column]))
    return cells


def table_cells(table: PaperTable) -> List[Cell]:
    """Return all cells of a table, row by row."""
    return [cell for row in table.rows for cell in cells_of(table, row)]


def ours(cell: Cell, runs: Sequence[Run]) -> str:
    """Return our number: mean and deviation over the recorded runs of the cell's config as it is committed.

    Args:
        cell: The cell.
        runs: All recorded runs.

    Returns:
        ``'38.20 ± 0.71'``; ``'not run'`` without a run; ``''`` where the cell has no config.
    """
    if cell.config is None:
        return ''
    values = [_value(run.metrics, cell.key) for run in runs_of(cell.config, runs)]
    known = [value for value in values if value is not None]
    return spread(known) if known else NOT_RUN


def runs_of(config: Config, runs: Sequence[Run]) -> List[Run]:
    """Return the recorded runs of a config, of every draw of its list and every seed, as long as it and as it is.

    A batch of the paper's size on one process is no change: the configs have the share of one of several processes.

    Args:
        config: The config.
        runs: All recorded runs.
    """
    batch = f'train_dataloader.batch_size={batch_of(config)}'
    what = (config.method.folder, config.condition, config.variant.name)
    found = [
        run
        for run in runs
        if (run.method, run.setting, run.variant) == what
        and _has_list(run, config)
        and not {*run.options} - {batch}
        and not (run.provenance or {}).get('variant')
    ]
    # only then is the config read, which takes its time
    return [run for run in found if is_current(run, config)]


def _has_list(run: Run, config: Config) -> bool:
    """Check if a run has the config's list, or its amount of scribbles, or full masks of such data."""
    data = DATA[config.recipe.data]
    if 'split' not in data.select.get('dataset', {}):
        return run.labels.endswith(f' {config.list}') if HOW_MUCH.fullmatch(config.list) else ' ' not in run.labels
    file = data.full if config.list == 'full' else data.files.format(list=config.list)
    return run.labels == without_draw(file)


def _value(metrics: Dict[str, float], key: str) -> Optional[float]:
    """Return a metric of the network that inference uses, which is the first one in a run with several."""
    named = [value for name, value in metrics.items() if name == key or name.endswith(f'/{key}')]
    return metrics.get(key, named[0] if named and '/' not in key else None)


def on_other_data(table: PaperTable, data: str) -> PaperTable:
    """Return the same comparison on other data, by the configs that the same methods and variants have there.

    Args:
        table: A table of a paper.
        data: Short name of the data, ``'camvid'``.

    Returns:
        The table without the paper's numbers; rows that have no config there say so, and of two rows that would have
        the same one the first is left.
    """
    rows: List[Row] = []
    lists: Dict[str, None] = {}
    for row in table.rows:
        found = _moved(row.config, data)
        if found and found in {other.config for other in rows}:
            continue
        lists.update(dict.fromkeys(configs().get(found, {})))
        rows.append(Row(row.name, found, keys=row.keys, reason='' if found else f'no config on {data}'))
    shown = [name for name in (*DATA[data].lists, 'full') if name in lists]
    heads = table.columns if len({*table.lists}) == 1 and len(table.columns) > 1 else ('',)
    columns = tuple(f'{head} {labels}'.strip() for labels in shown for head in heads)
    repeated = tuple(labels for labels in shown for _ in heads)
    moved = [Row(row.name, row.config, repeated, keys=row.keys * len(shown), reason=row.reason) for row in rows]
    note = f'On {data}, not on the data of the paper: what compares is the differences between rows.'
    title = f'{table.title} - here on {data}'
    return replace(table, title=title, columns=columns, rows=tuple(moved), protocol='', lists=repeated, note=note)


def _moved(key: str, data: str) -> str:
    """Return the key of a method's configs on other data, with the first network that it has there."""
    if not key:
        return ''
    method, _, _, *variant = key.split(' ')
    known = (other for other in configs() if other.split(' ')[0] == method and other.split(' ')[2] == data)
    return next((other for other in known if other.split(' ')[3:] == variant), '')
