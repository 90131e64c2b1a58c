"""The drawings of a report, each an SVG that fits a phone."""

import io
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ...evaluation.error_ranking import risk_at_coverage
from ...visualization import svg_uri
from .run_content import Curve

COLORS = ('#2458d3', '#d97706', '#0f8a5f', '#b0309a', '#d6304a', '#0d8bb0', '#6b7280', '#7c5cff')
INK, FAINT = '#20242c', '#d9dde5'
SIZE = (4.4, 2.9)
"""Inches, of 100 CSS pixels: on a phone a drawing is shown at its own size, so its text stays readable."""
STYLE: Dict[str, Any] = {
    'font.size': 9,
    'axes.edgecolor': FAINT,
    'axes.labelcolor': INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'axes.axisbelow': True,
    'grid.color': '#eceff4',
    'xtick.color': '#5b6270',
    'ytick.color': '#5b6270',
    'legend.frameon': False,
    'legend.fontsize': 8,
    'text.parse_math': False,  # a class may be called $x$
    'svg.fonttype': 'none',  # text stays text, in the reader's font
    'svg.hashsalt': 'mmseg_ssl',  # the same numbers give the same file
}


def curve_chart(curves: Mapping[str, Curve], ylabel: str, floor: bool = False) -> str:
    """Draw values over iterations.

    Args:
        curves: Name -> points; the same points are drawn once, with all their names.
        ylabel: What the values are.
        floor: Begin at 0, as a share should.

    Returns:
        The ``src`` of an ``img``.
    """
    with _drawing() as (figure, axes):
        drawn = _each_once(curves)
        for (name, points), color in zip(drawn.items(), _colors(len(drawn))):
            steps, values = zip(*points)
            few = dict(marker='o', markersize=3) if len(points) <= 20 else {}
            axes.plot(steps, values, color=color, linewidth=1.6, label=name, **few)
        axes.set(xlabel='iteration', ylabel=ylabel)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if all(len(points) == 1 for points in curves.values()):  # an axis around one number would have no sense of size
            axes.set_xlim(left=0)
            axes.set_ylim(0, 1.1 * axes.get_ylim()[1] or 1)  # or the point would lie on the edge
        if floor:
            axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
        _legend(figure, axes)
        return _saved(figure)


def reliability_chart(histogram: np.ndarray) -> str:
    """Draw the accuracy of each bin of confidence, with the share of pixels in it.

    Args:
        histogram: ``(3, M)``, as of ``confidence_histogram``.

    Returns:
        The ``src`` of an ``img``.
    """
    count, right, confidence = histogram
    edges, filled = np.linspace(0, 1, len(count) + 1), count > 0
    middle, width = (edges[1:] + edges[:-1])[filled] / 2, edges[1]
    accuracy, said = right[filled] / count[filled], confidence[filled] / count[filled]
    with _drawing() as (figure, axes):
        share = count[filled] / count.sum()
        axes.bar(middle, share, 0.86 * width, color='#cbd5e6', label='share of the pixels')
        axes.plot(said, accuracy, color=COLORS[0], marker='o', markersize=3.5, linewidth=1.4, label='accuracy')
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), label='perfect')
        axes.set(xlabel='confidence', ylabel='accuracy', xlim=(0, 1), ylim=(0, 1))
        _legend(figure, axes)
        return _saved(figure)


def risk_coverage_chart(ranked: Mapping[str, np.ndarray]) -> str:
    """Draw the share of errors among the least doubtful pixels, for each map, and for the best possible order.

    Args:
        ranked: Map -> ``(2, B)`` wrong and right pixels, as of ``doubt_histogram``.

    Returns:
        The ``src`` of an ``img``.
    """
    coverages = np.linspace(0.02, 1, 99)
    with _drawing() as (figure, axes):
        for (name, histogram), color in zip(ranked.items(), COLORS):
            axes.plot(100 * coverages, 100 * _risks(histogram, coverages), color=color, linewidth=1.6, label=name)
        wrong, right = next(iter(ranked.values())).sum(axis=1)
        best = np.array([[0, wrong], [right, 0]])
        axes.plot(100 * coverages, 100 * _risks(best, coverages), color=INK, linestyle=(0, (4, 3)), linewidth=1)
        axes.lines[-1].set_label('best possible')
        axes.set(xlabel='pixels kept, least doubt first (%)', ylabel='of these wrong (%)', xlim=(0, 100))
        axes.set_ylim(bottom=0)
        _legend(figure, axes)
        return _saved(figure)


def _risks(histogram: np.ndarray, coverages: np.ndarray) -> np.ndarray:
    """Return the risk at each coverage."""
    return np.array([risk_at_coverage(histogram, coverage) for coverage in coverages])


@contextmanager
def _drawing() -> Iterator[Tuple[Figure, Any]]:
    """Open a figure in the report's style; no window system and no global state of pyplot is touched."""
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=100, layout='constrained')
        yield figure, figure.subplots()


def _each_once(curves: Mapping[str, Curve]) -> Dict[str, Curve]:
    """Give curves that cannot be told apart a common name, because one would hide the others."""
    once: Dict[Tuple[Tuple[int, float], ...], List[str]] = {}
    for name, points in curves.items():
        once.setdefault(tuple((step, float(f'{value:.3g}')) for step, value in points), []).append(name)
    return {' = '.join(names): curves[names[0]] for names in once.values()}


def _colors(count: int) -> List[str]:
    return [COLORS[place % len(COLORS)] for place in range(count)]


def _legend(figure: Figure, axes: Any) -> None:
    """Put the names above the drawing, where they hide no line; one name alone says what the title does."""
    names: Sequence[str] = axes.get_legend_handles_labels()[1]
    if len(names) > 1 or ' = ' in ''.join(names):
        longest = max(map(len, names))
        columns = max(1, min(len(names), 4, 68 // (longest + 6)))
        rows = -(-len(names) // columns)
        figure.set_size_inches(SIZE[0], SIZE[1] + 0.17 * max(0, rows - 2))
        figure.legend(loc='outside upper left', ncols=columns, columnspacing=1.2, handlelength=1.4)


def _saved(figure: Figure) -> str:
    """Return the SVG as a URI."""
    file = io.BytesIO()
    figure.savefig(file, format='svg', metadata={'Date': None}, transparent=True)
    return svg_uri(file.getvalue())
