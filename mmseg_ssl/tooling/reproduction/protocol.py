"""The protocol of a config, in words, and the data that it needs."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable, Iterator, List

from mmengine.config import Config as Settings

from ..cli import load_config
from ..trainings.job_maker import config_path
from .cells import Cell, batch_of


@lru_cache(maxsize=None)
def read_config(path: str) -> Settings:
    """Read a config of the project once.

    Args:
        path: Its path from the root of the project.
    """
    return load_config(str(config_path(path)))


def protocol_of(cell: Cell) -> str:
    """Describe what a config does: crop, batch, iterations, optimizer, and what is scored.

    Args:
        cell: A cell with a config.
    """
    cfg, config = read_config(cell.path), cell.config
    assert config is not None
    optimizer, mode = cfg.optim_wrapper.optimizer, cfg.model.segmentor.get('test_cfg', {}).get('mode', 'whole')
    how = dict(slide='sliding window', whole='whole images').get(mode, mode)
    batch = batch_of(config)
    per_labeled = cfg.train_dataloader.dataset.get('unlabeled_per_labeled', 0)
    unlabeled = f' + {batch * per_labeled} unlabeled' if per_labeled else ''
    crop = 'x'.join(map(str, cfg.get('crop_size', ()))) or 'none'
    return (
        f'crop {crop}, batch {batch}{unlabeled}, {cfg.train_cfg.max_iters} iterations, {optimizer.type} '
        f'{optimizer.lr:g}, {how}; the last checkpoint is scored'
    )


def missing_folders(cell: Cell) -> List[str]:
    """Return the folders of images and masks that a config names and that are not there.

    Args:
        cell: A cell with a config.
    """
    named = dict.fromkeys(_folders(read_config(cell.path)))
    return [folder for folder in named if not Path(folder).is_dir()]


def _folders(cfg: Settings) -> Iterator[str]:
    """Yield the folders of a config's labeled, unlabeled, validation and test data."""
    train = cfg.train_dataloader.dataset
    parts: Iterable[Any] = (
        train.get('labeled'),
        train.get('unlabeled'),
        cfg.val_dataloader.dataset,
        cfg.test_dataloader.dataset,
    )
    for part in filter(None, parts):
        for folder in (part.get('data_prefix') or {}).values():
            yield str(Path(part.get('data_root') or '', folder))
