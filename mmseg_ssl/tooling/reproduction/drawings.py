"""Draws the figures of the papers; a table names its kind of picture as its ``drawing``."""

from pathlib import Path
from typing import Sequence

from ...errors import UserError
from ..matrix.papers import PaperTable
from ..run_logs import Run
from . import formula_figures, record_figures, run_figures

FORMULAS = dict(
    relaxations=formula_figures.draw_relaxations,
    cross_entropies=formula_figures.draw_cross_entropies,
)
RECORDS = dict(lengths=record_figures.draw_lengths, ranks=record_figures.draw_ranks)
RUNS = dict(
    errors=run_figures.draw_errors,
    predictions=run_figures.draw_predictions,
    variance=run_figures.draw_variance,
)
DRAWINGS = (*FORMULAS, *RECORDS, *RUNS)


def draw(table: PaperTable, runs: Sequence[Run], folders: Sequence[Path], images: int, out: Path) -> None:
    """Draw a figure as PNG.

    Args:
        table: A figure of a paper.
        runs: All recorded runs, for curves.
        folders: Work dirs of trainings, for pictures of predictions.
        images: Number of images in such a picture.
        out: The file; folders above it are made.

    Raises:
        UserError: A picture of predictions without a work dir; or the curve has no numbers at all.
    """
    import matplotlib

    matplotlib.use('Agg')  # there may be no screen
    from matplotlib import pyplot as plt

    if table.drawing in RUNS and not folders:
        raise UserError(
            f'{table.name} is drawn of a training: give its work dir as --run-dir, with a config and checkpoints.'
        )
    if table.is_of_formulas:
        figure = FORMULAS[table.drawing]()
    elif table.drawing in RECORDS:
        figure = RECORDS[table.drawing](table, runs)
    else:
        figure = RUNS[table.drawing](folders, images)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)
