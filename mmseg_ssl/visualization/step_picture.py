"""Draws rows of panels with their titles and a legend of the classes, as one picture."""

from typing import List, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .step_panels import Row

DPI = 100
SIDE = (160, 320)
"""Width of a panel in pixels: small images are enlarged to the first, large ones reduced to the second."""
LEGEND_COLUMNS = 8
NOT_TAUGHT = '#d0d0d0'


def draw_rows(
    rows: Sequence[Row], title: str, classes: Sequence[str], palette: Sequence[Sequence[int]], gray: str = 'no label'
) -> np.ndarray:
    """Draw a picture.

    Args:
        rows: Named rows of panels, at least one.
        title: One line above.
        classes: Names of the classes; those that are seen get into the legend.
        palette: RGB color of each.
        gray: What a pale gray pixel means.

    Returns:
        ``(H, W, 3)`` uint8, RGB.
    """
    columns = max(len(panels) for _, panels in rows)
    height, width = rows[0][1][0].picture.shape[:2]
    wide = min(max(width, SIDE[0]), SIDE[1])
    tall = wide * height / width
    patches = _legend(rows, classes, palette, gray)
    lines = -(-len(patches) // max(min(LEGEND_COLUMNS, columns * 2), 1))
    left, top, bottom, gap = 90, 34, 14 + 20 * lines, 42  # pixels: names of rows, title, legend, titles of panels
    size = left + columns * (wide + 8) + 8, top + bottom + len(rows) * (tall + gap)
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, facecolor='white')
    figure.text(8 / size[0], 1 - 10 / size[1], title, ha='left', va='top', fontsize=9, weight='bold')
    for number, (name, panels) in enumerate(rows):
        y = size[1] - top - number * (tall + gap) - gap - tall
        figure.text(8 / size[0], (y + tall / 2) / size[1], name, ha='left', va='center', fontsize=8)
        for column, panel in enumerate(panels):
            place = (left + column * (wide + 8)) / size[0], y / size[1], wide / size[0], tall / size[1]
            axes = figure.add_axes(place)
            axes.imshow(panel.picture, interpolation='nearest', aspect='auto')
            axes.set_title(panel.title, fontsize=7, pad=3)
            axes.set_axis_off()
    figure.legend(handles=patches, loc='lower left', ncols=min(LEGEND_COLUMNS, columns * 2), fontsize=7, frameon=False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _legend(rows: Sequence[Row], classes: Sequence[str], palette: Sequence[Sequence[int]], gray: str) -> List[Patch]:
    """Make an entry for each class that is seen, and one for gray."""
    seen = sorted({index for _, panels in rows for panel in panels for index in panel.classes})
    patches = [
        Patch(facecolor='#{:02x}{:02x}{:02x}'.format(*palette[index]), edgecolor='gray', label=classes[index])
        for index in seen
    ]
    return [*patches, Patch(facecolor=NOT_TAUGHT, edgecolor='gray', label=gray)]
