"""The picture of the demo: the few labels that both trainings saw, and their predictions on unseen images."""

from pathlib import Path
from typing import Dict, List

import mmcv
import numpy as np
from matplotlib.figure import FigureBase
from mmengine.config import Config

from ..compat.quiet_host import without_useless_warnings
from ..datasets import ShapesDataset, read_ids

CLASSES, PALETTE = ShapesDataset.METAINFO['classes'], np.array(ShapesDataset.METAINFO['palette'], np.uint8)


def draw(
    configs: Dict[str, Path],
    checkpoints: Dict[str, Path],
    titles: Dict[str, str],
    data: Path,
    labeled: Path,
    path: Path,
) -> None:
    """Draw the labeled images, then images, both predictions, ground truth and DUEB's uncertainty.

    The images are the three validation images with the most classes, independent of the predictions.

    Args:
        configs: Config of each training by name; one of them is ``dueb``.
        checkpoints: Their checkpoints.
        titles: Titles of their predictions.
        data: Folder of the drawn data.
        labeled: List of the labeled images.
        path: File of the picture.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch
    from mmseg.apis import init_model

    with without_useless_warnings():
        models = {
            name: init_model(Config.fromfile(str(configs[name])), str(checkpoints[name]), 'cpu') for name in configs
        }
    figure = plt.figure(figsize=(13, 8.6), layout='constrained')
    above, below = figure.subfigures(2, height_ratios=(1, 2.3))
    ids = read_ids(str(labeled))
    _show(above, _labeled(data, ids), [''] * len(ids))
    above.suptitle(f'all labels that both trainings see: {len(ids)} images')
    columns = ['image', *(titles[name] for name in configs), 'ground truth', "DUEB's uncertainty"]
    _show(below, [_predicted(models, data, name) for name in _many_classes(data / 'ann_dir/val', 3)], columns)
    legend = [Patch(color=color / 255, label=label) for label, color in zip(CLASSES, PALETTE)]
    figure.legend(handles=legend, loc='outside lower center', ncol=len(legend), frameon=False)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _labeled(data: Path, ids: List[str]) -> List[List[np.ndarray]]:
    """Return two rows of panels: labeled images, and their masks."""
    images = [mmcv.imread(str(data / f'img_dir/train/{name}.png'))[..., ::-1] for name in ids]
    masks = [PALETTE[mmcv.imread(str(data / f'ann_dir/train/{name}.png'), 'unchanged')] for name in ids]
    return [images, masks]


def _many_classes(folder: Path, count: int) -> List[str]:
    """Return the names of the masks with the most classes."""
    numbers = {file.name: len(np.unique(mmcv.imread(str(file), 'unchanged'))) for file in folder.glob('*.png')}
    return sorted(numbers, key=lambda name: (-numbers[name], name))[:count]


def _predicted(models: dict, data: Path, name: str) -> List[np.ndarray]:
    """Return the panels of one validation image."""
    from mmseg.apis import inference_model

    image = mmcv.imread(str(data / 'img_dir/val' / name))
    truth = mmcv.imread(str(data / 'ann_dir/val' / name), 'unchanged')
    results = {which: inference_model(model, image) for which, model in models.items()}
    labels = [PALETTE[results[which].pred_sem_seg.data[0].numpy()] for which in models]
    # the energy finds wrong pixels better than the variance (AUROC 0.75 against 0.68 over the validation images)
    return [image[..., ::-1], *labels, PALETTE[truth], results['dueb'].energy.data[0].numpy()]


def _show(figure: FigureBase, rows: List[List[np.ndarray]], titles: List[str]) -> None:
    """Put panels into a grid, titles above its first row."""
    axes = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for line, panels in zip(axes, rows):
        for axis, panel in zip(line, panels):
            axis.imshow(panel, cmap='magma', interpolation='nearest')
            axis.axis('off')
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
