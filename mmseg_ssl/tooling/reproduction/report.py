"""Texts of the tables: the list of all of them, and the paper's numbers beside ours."""

import textwrap
from typing import Iterable, List, Optional, Sequence

from ..matrix.papers import PAPERS, Paper, PaperTable
from ..run_logs import Run, method_names
from .cells import NOT_RUN, Cell, cells_of, ours, table_cells

LEGEND = "paper's number / ours; -: the paper has none, or none could be read"


def overview(runs: Sequence[Run], papers: Optional[Sequence[Paper]] = None) -> str:
    """List every table and figure of some papers, with how much of it has a config and a record.

    Args:
        runs: All recorded runs.
        papers: The papers; all if None.
    """
    lines = []
    for paper in papers or PAPERS.values():
        lines += ['', f'{paper.method}: {method_names()[paper.method]}', wrapped(paper.read, '  ')]
        width = max(len(table.name) for table in paper.tables)
        lines += [f'  {table.name:{width}}  {_summary(table, runs)}  {table.title}' for table in paper.tables]
    return '\n'.join(lines[1:])


def _summary(table: PaperTable, runs: Sequence[Run]) -> str:
    """Return ``12/20 cells have a config, 0 a record``, or what the figure is drawn of."""
    cells = [cell for cell in table_cells(table) if cell.config or cell.paper]
    if not cells:
        return f'{"drawn":>22}'
    with_config = [cell for cell in cells if cell.config]
    recorded = sum(ours(cell, runs) != NOT_RUN for cell in with_config)
    return f'{len(with_config):3} of {len(cells):2} cells, {recorded:2} run'


def cell_text(cell: Cell, runs: Sequence[Run]) -> str:
    """Return ``70.52 / not run``, ``70.52`` of what cannot be run here, or nothing."""
    if cell.config is None:
        return cell.paper
    return f'{cell.paper or "-"} / {ours(cell, runs)}'


def rows_of(table: PaperTable, runs: Sequence[Run], last: str) -> List[List[str]]:
    """Return the head and the rows of a table as texts, with the configs or remarks behind them.

    Args:
        table: The table.
        runs: All recorded runs.
        last: Head of the last column.
    """
    lines = [['', *table.columns, last]]
    for row in table.rows:
        cells = cells_of(table, row)
        names = dict.fromkeys(cell.name for cell in cells if cell.name)
        remark = '; '.join(filter(None, [_code(_common(list(names))), row.reason, _code(row.command)]))
        lines.append([row.name, *(cell_text(cell, runs) for cell in cells), remark])
    return lines


def _code(text: str) -> str:
    """Return a text as code, if there is one."""
    return f'`{text}`' if text else ''


def _common(names: List[str]) -> str:
    """Return the name of one config, or what the names of several share, with ``<list>`` where they differ."""
    if len(names) < 2:
        return ''.join(names)
    parts = [name.split('_') for name in names]
    return '_'.join(same[0] if len({*same}) == 1 else '<list>' for same in zip(*parts))


def wrapped(text: str, indent: str = '') -> str:
    """Return a text in lines of a terminal's width."""
    return textwrap.fill(text, 110, initial_indent=indent, subsequent_indent=indent or '    ', break_on_hyphens=False)


def aligned(rows: Sequence[Sequence[str]]) -> List[str]:
    """Return lines whose columns are aligned, for a terminal, where code needs no quotes."""
    rows = [[text.replace('`', '') for text in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ['  '.join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]


def markdown(rows: Sequence[Sequence[str]]) -> List[str]:
    """Return the lines of a Markdown table."""
    head, *body = (f'| {" | ".join(text.replace("|", "/") for text in row)} |' for row in rows)
    return [head, '|' + '---|' * len(rows[0]), *body]


def table_report(method: str, table: PaperTable, runs: Sequence[Run], further: Iterable[str] = ()) -> str:
    """Return a table for the terminal: title, protocol, numbers.

    Args:
        method: Folder of the method.
        table: The table.
        runs: All recorded runs.
        further: Lines behind the protocol.
    """
    lines = [f'{method_names()[method]}, {table.name}: {table.title}']
    remarks = [f'the paper: {table.protocol}' if table.protocol else '', *further, table.note]
    lines += [wrapped(remark) for remark in remarks if remark]
    if table.rows:
        lines += ['', LEGEND, '', *aligned(rows_of(table, runs, 'config, remarks'))]
    return '\n'.join(lines)


def command(paper: Paper, table: PaperTable) -> str:
    """Return the command line of a table or figure."""
    return f'python tools/reproduce.py {paper.method} {table.name}'
