"""Figures of recorded runs: mIoU by length of scribbles, and critical differences of methods."""

import math
import statistics
import textwrap
from typing import Dict, List, Mapping, Sequence, Tuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import UserError
from ..matrix.papers import PaperTable
from ..results_table import first_miou
from ..run_logs import Run, method_names
from .cells import cells_of, runs_of

Q_NEMENYI = {2: 1.960, 3: 2.343}
"""Critical values of the two-tailed Nemenyi test at 5 %, by number of methods (Demsar, JMLR 2006, table 5a)."""
Block = Tuple[str, int, str]
"""List, seed and class."""


def draw_lengths(table: PaperTable, runs: Sequence[Run]) -> Figure:
    """Draw mIoU by length of the scribbles: the paper's numbers dashed, means of ours solid.

    Args:
        table: A figure whose lists are lengths.
        runs: All recorded runs.

    Returns:
        One curve per row and source; the legend says which have no number.

    Raises:
        UserError: There is not one number.
    """
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(7.5, 5), layout='constrained')
    drawn = 0
    for number, row in enumerate(table.rows):
        paper: Dict[float, float] = {}
        found: Dict[float, List[float]] = {}
        for cell in cells_of(table, row):
            if cell.config:
                length = float(cell.config.list.rpartition('-')[2])
                found[length] = [first_miou(run.metrics) for run in runs_of(cell.config, runs)]
                paper.update({length: float(cell.paper)} if cell.paper else {})
        own = {length: statistics.mean(values) for length, values in found.items() if values}
        for points, style, source in ((paper, 'o--', 'paper'), (own, 's-', 'ours')):
            lengths = sorted(points)
            if lengths:
                values = [points[length] for length in lengths]
                axis.plot(lengths, values, style, color=f'C{number}', label=f'{row.name}, {source}', ms=6)
        if not own:
            axis.plot([], [], ' ', label=f'{row.name}, ours: not run')
        drawn += len(paper) + len(own)
    if not drawn:
        raise UserError(f'{table.name}: neither the paper nor a record has a number of it; --run trains it.')
    axis.set(xlabel='length of the scribbles, as a share', ylabel='mIoU in %', xlim=(-0.03, 1.03))
    axis.set_title(_heading(table, 70))
    axis.grid(alpha=0.3)
    axis.legend(fontsize='small')
    return figure


def draw_ranks(table: PaperTable, runs: Sequence[Run]) -> Figure:
    r"""Draw the mean ranks of methods, with a bar over those that the Nemenyi test does not tell apart.

    Over :math:`N` blocks of one list, seed and class each, in which the best of :math:`k` methods has rank 1, two mean
    ranks differ at 5 % if they lie more than

    .. math:: CD = q_{0.05} \sqrt{\frac{k (k + 1)}{6 N}}

    apart (Demsar, JMLR 2006).

    Args:
        table: A figure with a row per method.
        runs: All recorded runs.

    Returns:
        A panel for the last method beside each of the others, and one for all.

    Raises:
        UserError: The methods have no class, list and seed in common.
    """
    from matplotlib import pyplot as plt

    scores = {row.name: _by_block(table, row_index, runs) for row_index, row in enumerate(table.rows)}
    *others, last = scores
    groups = [*([other, last] for other in reversed(others)), list(scores)]
    figure, axes = plt.subplots(len(groups), 1, figsize=(7.5, 2.2 * len(groups) + 0.6), layout='constrained')
    for axis, letter, group in zip(axes, 'abc', groups):
        ranks, blocks = mean_ranks({name: scores[name] for name in group})
        if not blocks:
            raise UserError(
                f'{table.name}: {", ".join(group)} have no recorded run of one list and seed in common. --run trains '
                'them; --data camvid takes the runs on CamVid.'
            )
        _draw_difference(axis, ranks, critical_difference(len(group), blocks))
        axis.set_title(f'({letter}) mean ranks over {blocks} blocks of one list, seed and class', fontsize='medium')
    figure.suptitle(_heading(table, 80))
    return figure


def mean_ranks(scores: Mapping[str, Mapping[Block, float]]) -> Tuple[Dict[str, float], int]:
    """Compute the mean rank of each method over the blocks that all have; equal scores share their ranks.

    Args:
        scores: Method -> block -> score, of which larger is better.

    Returns:
        Method -> mean rank, 1 for one that is always the best; and the number of blocks.
    """
    shared = sorted(set.intersection(*(set(own) for own in scores.values())))
    if not shared:
        return {}, 0
    ranks: Dict[str, List[float]] = {name: [] for name in scores}
    for block in shared:
        values = {name: own[block] for name, own in scores.items()}
        for name, value in values.items():
            above, equal = (sum(map(test, values.values())) for test in (value.__lt__, value.__eq__))
            ranks[name].append(above + (equal + 1) / 2)
    return {name: statistics.mean(own) for name, own in ranks.items()}, len(shared)


def critical_difference(methods: int, blocks: int) -> float:
    """Compute the difference of mean ranks that is significant at 5 %, see :func:`draw_ranks`.

    Args:
        methods: Their number, 2 or 3.
        blocks: Number of blocks.
    """
    return Q_NEMENYI[methods] * math.sqrt(methods * (methods + 1) / (6 * blocks))


def _draw_difference(axis: Axes, ranks: Dict[str, float], critical: float) -> None:
    """Draw a scale of ranks, the methods on it, the critical difference, and bars over what it does not tell apart."""
    count = len(ranks)
    axis.set(xlim=(0.9, count + 0.1), ylim=(-1.4, 2.2), yticks=[], xticks=range(1, count + 1))
    for side in ('left', 'right', 'top'):
        axis.spines[side].set_visible(False)
    axis.spines['bottom'].set_position('zero')
    for place, (name, rank) in enumerate(sorted(ranks.items(), key=lambda item: item[1])):
        above = place % 2 == 0
        axis.plot([rank, rank], [0, 0.7 if above else -0.7], color='black', lw=1)
        text = f'{method_names().get(name, name)} {rank:.2f}'
        axis.text(rank, 0.75 if above else -0.75, text, ha='center', va='bottom' if above else 'top')
    ordered = sorted(ranks.values())
    alike = [(low, max(high for high in ordered if high - low <= critical)) for low in ordered]
    whole = {(low, high) for low, high in alike if high > low and not any(a < low and high <= b for a, b in alike)}
    for number, (low, high) in enumerate(sorted(whole)):
        axis.plot([low, high], [0.2 + 0.2 * number] * 2, color='C3', lw=4, solid_capstyle='butt')
    end = min(1 + critical, count + 0.1)
    axis.plot([1, end], [1.7, 1.7], '|-', color='C3')
    axis.text(end + 0.02, 1.7, f'critical difference {critical:.2f}', va='center', color='C3')


def _by_block(table: PaperTable, index: int, runs: Sequence[Run]) -> Dict[Block, float]:
    """Return the IoU of every class in every run of a row, of the network that inference uses."""
    found: Dict[Block, float] = {}
    for cell in cells_of(table, table.rows[index]):
        for run in runs_of(cell.config, runs) if cell.config else []:
            for key, value in run.metrics.items():
                before, _, label = key.rpartition('IoU.')
                if label != key and before == _first_network(run):
                    found[run.draw, run.seed, label] = value
    return found


def _first_network(run: Run) -> str:
    """Return what stands before the metrics of the network that inference uses: ``'student/'`` or nothing."""
    names = [key.rpartition('IoU.')[0] for key in run.metrics if 'IoU.' in key]
    return '' if '' in names else next(iter(names), '')


def _heading(table: PaperTable, width: int) -> str:
    """Return the title of a picture, in lines."""
    return textwrap.fill(f'{table.title[0].upper()}{table.title[1:]}', width)
