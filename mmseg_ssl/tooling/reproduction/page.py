"""The page of the documentation that has every table and figure of the papers, with command, protocol and numbers."""

from typing import Iterator, List, Sequence

from ..matrix.papers import PAPERS, Paper, PaperTable
from ..run_logs import Run, method_names
from .cells import table_cells
from .project_configs import batch_of
from .report import LEGEND, command, markdown, rows_of


def papers_page(runs: Sequence[Run]) -> str:
    """Write the generated part of ``docs/papers.md``: a section per paper, with its tables and its deviations.

    Args:
        runs: All recorded runs.
    """
    return '\n\n'.join(
        [f'In a cell: {LEGEND}.', *(part for paper in PAPERS.values() for part in _section(paper, runs))]
    )


def _section(paper: Paper, runs: Sequence[Run]) -> Iterator[str]:
    """Yield the paragraphs of a paper."""
    yield f'## {method_names()[paper.method]}'
    yield f'What could be read: {paper.read[0].lower()}{paper.read[1:]}'
    for table in paper.tables:
        yield f'### {method_names()[paper.method]}: {_spaced(table.name)}'
        yield f'{table.title[0].upper()}{table.title[1:]}.'
        yield f'```bash\n{command(paper, table)}{_needed(table)}\n```'
        yield from _paragraphs(table)
        if table.rows:
            yield '\n'.join(markdown(rows_of(table, runs, 'config, remarks')))
    yield f'### {method_names()[paper.method]}: deviations that are left'
    for name in paper.classes:
        yield f'Of :class:`{name}`:'
        yield f'{{{{ deviations {name} }}}}'


def _paragraphs(table: PaperTable) -> Iterator[str]:
    """Yield protocols and remarks."""
    if table.protocol:
        yield f'The paper: {table.protocol}.'
    if here := _here(table):
        yield f'Here: {"; ".join(here)}.'
    if table.note:
        yield table.note


def _here(table: PaperTable) -> List[str]:
    """Return data, schedule and batch of the configs of a table, each once."""
    used = [(cell.config.recipe, batch_of(cell.config)) for cell in table_cells(table) if cell.config]
    base = 'configs/_base_'
    texts = (
        f'`{base}/datasets/{recipe.dataset}.py` with `{base}/schedules/{recipe.schedule}.py`, batch {batch}'
        for recipe, batch in used
    )
    return list(dict.fromkeys(texts))


def _needed(table: PaperTable) -> str:
    """Return the option that the command of a picture needs."""
    return ' --run-dir <work dir>' if table.drawing and not table.rows and not table.is_of_formulas else ''


def _spaced(name: str) -> str:
    """Return ``Table 4`` of ``table4``, other names as they are."""
    word = name.rstrip('0123456789')
    return f'{word.capitalize()} {name[len(word) :]}' if word in ('table', 'figure') else name.replace('-', ' ')
