"""Trainings read from their work dirs, and what their networks say about validation images."""

import inspect
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS

from ...compat.quiet_host import without_useless_warnings
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
    with without_useless_warnings():
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


def colors_of(run: TrainedRun, labels: np.ndarray) -> np.ndarray:
    """Paint classes in the colors of the dataset, pixels without a class white.

    Args:
        run: A training on the dataset.
        labels: ``(H, W)``, class indices.
    """
    palette = np.array(run.model.dataset_meta['palette'], np.uint8)
    painted = palette[np.where(labels == IGNORE_INDEX, 0, labels)]
    painted[labels == IGNORE_INDEX] = WHITE
    return painted


def errors_of(scene: Scene) -> np.ndarray:
    """Paint wrong pixels white, right ones black, pixels without a class gray.

    Args:
        scene: A prediction with its ground truth.
    """
    wrong = np.repeat(255 * (scene.predicted != scene.truth).astype(np.uint8)[..., None], 3, axis=2)
    wrong[scene.truth == IGNORE_INDEX] = GRAY
    return wrong
