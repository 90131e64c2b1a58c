"""Pictures of what trained networks say about images: predictions, errors and their localization, variance."""

import math
from pathlib import Path
from typing import List, Sequence

import numpy as np
from matplotlib.figure import Figure

from ...errors import UserError
from .trained_runs import TrainedRun, colors_of, errors_of, read_run, scenes_of


def draw_errors(folders: Sequence[Path], images: int) -> Figure:
    """Draw where a network is wrong, and where ELN's localizer and the network's doubt say so.

    Args:
        folders: Work dir of a training of ELN.
        images: Number of images.

    Raises:
        UserError: The method has no localizer.
    """
    run = read_run(folders[0], predict_correctness=True)
    scenes = scenes_of(run, images)
    if 'correctness' not in scenes[0].maps:
        raise UserError(f'{folders[0]}: {run.config.model.type} has no localizer; give a training of ELN.')
    titles = [
        'image',
        'ground truth',
        'prediction',
        'wrong pixels',
        'localizer: wrong, 0 to 1',
        '1 - confidence, 0 to 1',
    ]
    rows = [
        [
            scene.image,
            colors_of(run, scene.truth),
            colors_of(run, scene.predicted),
            errors_of(scene),
            1 - scene.maps['correctness'],
            1 - scene.maps['confidence'],
        ]
        for scene in scenes
    ]
    return _grid(run, rows, titles, unit=True)


def draw_predictions(folders: Sequence[Path], images: int) -> Figure:
    """Draw the predictions of some trainings on the same data beside each other.

    Args:
        folders: Their work dirs.
        images: Number of images.
    """
    return _beside(folders, images, with_variance=False)


def draw_variance(folders: Sequence[Path], images: int) -> Figure:
    """Draw predictions of some trainings, and the variance that the last one predicts.

    Args:
        folders: Their work dirs, DUEB's last.
        images: Number of images.

    Raises:
        UserError: The last one predicts no variance.
    """
    return _beside(folders, images, with_variance=True)


def _beside(folders: Sequence[Path], images: int, with_variance: bool) -> Figure:
    trained = [read_run(folder) for folder in folders]
    scenes = [scenes_of(run, images) for run in trained]
    last = trained[-1]
    if with_variance and 'variance' not in scenes[-1][0].maps:
        raise UserError(f'{folders[-1]}: {last.config.model.type} predicts no variance; give a training of DUEB last.')
    titles = ['image', *(run.title for run in trained), 'ground truth', *(['predicted variance'] * with_variance)]
    rows = [
        [
            same[-1].image,
            *(colors_of(run, scene.predicted) for run, scene in zip(trained, same)),
            colors_of(last, same[-1].truth),
            *([same[-1].maps['variance']] if with_variance else []),
        ]
        for same in zip(*scenes)
    ]
    return _grid(last, rows, titles)


def _grid(run: TrainedRun, rows: List[List[np.ndarray]], titles: List[str], unit: bool = False) -> Figure:
    """Put panels into a grid with titles, and the classes' colors below; ``unit``: maps are shown from 0 to 1."""
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    height, width = rows[0][0].shape[:2]
    known = zip(run.model.dataset_meta['classes'], run.model.dataset_meta['palette'])
    legend = [Patch(color=tuple(part / 255 for part in color), label=label) for label, color in known]
    legend.append(Patch(facecolor='white', edgecolor='gray', label='no class'))
    beside = 2 * len(titles)
    below = 0.6 + 0.25 * math.ceil(len(legend) / beside)
    size = (2.5 * len(titles), 2.5 * len(rows) * height / width + below)
    figure, axes = plt.subplots(len(rows), len(titles), figsize=size, layout='constrained', squeeze=False)
    for line, panels in zip(axes, rows):
        for axis, panel in zip(line, panels):
            axis.imshow(panel, cmap='magma', interpolation='nearest', **(dict(vmin=0, vmax=1) if unit else {}))
            axis.axis('off')
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    figure.legend(handles=legend, loc='outside lower center', ncol=beside, frameon=False)
    return figure
