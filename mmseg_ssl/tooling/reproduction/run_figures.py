"""Pictures of what trained networks say about images: predictions, errors and their localization, variance."""

import inspect
import warnings
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS

from ...engine.resume import is_complete, numbered_checkpoints
from ...errors import UserError
from ...structures import IGNORE_INDEX
from ...utils.project_files import CONFIGS
from ..run_logs import method_names

WHITE, GRAY = np.full(3, 255, np.uint8), np.full(3, 128, np.uint8)
"""Colors of pixels without a class, among classes (which may be gray) and among errors (which are white)."""


class TrainedRun(NamedTuple):
    """A training that was read from its work dir."""

    title: str
    config: Config
    model: Any  # of the host, with its dataset_meta


class Scene(NamedTuple):
    """What a network says about an image."""

    image: np.ndarray  # (H, W, 3) uint8, RGB
    truth: np.ndarray  # (H, W)
    predicted: np.ndarray  # (H, W)
    maps: Dict[str, np.ndarray]  # (H, W) by name: confidence, correctness, variance


def read_run(folder: Path, **model: object) -> TrainedRun:
    """Load the newest checkpoint of a training.

    Args:
        folder: Its work dir, with the config that ``tools/train.py`` writes into it.
        **model: Settings of the model to change, where it has them.

    Raises:
        UserError: The folder has no config or no whole checkpoint.
    """
    from mmseg.apis import init_model

    config = next(iter(sorted(folder.glob('*.py'))), None)
    checkpoint = next(filter(is_complete, numbered_checkpoints(folder)), None)
    if config is None or checkpoint is None:
        raise UserError(
            f'{folder} has no {"config" if config is None else "checkpoint"}: give the work dir of a training.'
        )
    cfg = Config.fromfile(str(config))
    known = inspect.signature(MODELS.get(cfg.model.type)).parameters
    cfg.model.update({key: value for key, value in model.items() if key in known})
    folders = [path.parent.name for path in CONFIGS.glob(f'*/{config.stem}.py')]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of the host, about itself
        network = init_model(cfg, str(checkpoint), 'cpu')
    return TrainedRun(method_names().get(folders[0], folders[0]) if folders else cfg.model.type, cfg, network)


def scenes_of(run: TrainedRun, count: int) -> List[Scene]:
    """Predict some validation images, evenly spaced in their list.

    Args:
        run: The training.
        count: Number of images.
    """
    dataset = DATASETS.build(dict(run.config.val_dataloader.dataset))
    chosen = sorted({round(place) for place in np.linspace(0, len(dataset) - 1, count)})
    return [_scene(run.model, dataset[index]) for index in chosen]


def _scene(model: Any, data: dict) -> Scene:
    import mmcv

    with torch.no_grad():
        sample = model.test_step(pseudo_collate([data]))[0].cpu()
    image = mmcv.imread(sample.img_path)[..., ::-1]
    truth = sample.gt_sem_seg.data[0].numpy()
    maps = {name: getattr(sample, name).data[0].numpy() for name in ('correctness', 'variance') if name in sample}
    maps['confidence'] = sample.seg_logits.data.softmax(dim=0).amax(dim=0).numpy()
    return Scene(image, truth, sample.pred_sem_seg.data[0].numpy(), maps)


def _colors(run: TrainedRun, labels: np.ndarray) -> np.ndarray:
    """Paint classes in the colors of the dataset, pixels without a class white."""
    palette = np.array(run.model.dataset_meta['palette'], np.uint8)
    painted = palette[np.where(labels == IGNORE_INDEX, 0, labels)]
    painted[labels == IGNORE_INDEX] = WHITE
    return painted


def _errors(scene: Scene) -> np.ndarray:
    """Paint wrong pixels white, right ones black, pixels without a class gray."""
    wrong = np.repeat(255 * (scene.predicted != scene.truth).astype(np.uint8)[..., None], 3, axis=2)
    wrong[scene.truth == IGNORE_INDEX] = GRAY
    return wrong


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
    titles = ['image', 'ground truth', 'prediction', 'wrong pixels', 'localizer: wrong', '1 - confidence']
    rows = [
        [
            scene.image,
            _colors(run, scene.truth),
            _colors(run, scene.predicted),
            _errors(scene),
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
            *(_colors(run, scene.predicted) for run, scene in zip(trained, same)),
            _colors(last, same[-1].truth),
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
    size = (2.5 * len(titles), 2.5 * len(rows) * height / width + 1.1)
    figure, axes = plt.subplots(len(rows), len(titles), figsize=size, layout='constrained', squeeze=False)
    for line, panels in zip(axes, rows):
        for axis, panel in zip(line, panels):
            axis.imshow(panel, cmap='magma', interpolation='nearest', **(dict(vmin=0, vmax=1) if unit else {}))
            axis.axis('off')
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    known = zip(run.model.dataset_meta['classes'], run.model.dataset_meta['palette'])
    legend = [Patch(color=tuple(part / 255 for part in color), label=label) for label, color in known]
    legend.append(Patch(facecolor='white', edgecolor='gray', label='no class'))
    figure.legend(handles=legend, loc='outside lower center', ncol=min(len(legend), 8), frameon=False)
    return figure
