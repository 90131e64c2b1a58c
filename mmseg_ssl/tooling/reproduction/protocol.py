"""The protocol of a config, in words, and the data that it needs."""

from pathlib import Path
from typing import Iterator, List

from mmengine.config import Config
from mmseg.registry import DATASETS

from .cells import Cell
from .project_configs import batch_of, read_config


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


def _folders(cfg: Config) -> Iterator[str]:
    """Yield the folders of a config's training, validation and test data, but those that are drawn if missing."""
    train = cfg.train_dataloader.dataset
    parts = [train.get('labeled'), train.get('unlabeled'), cfg.val_dataloader.dataset, cfg.test_dataloader.dataset]
    used = [part for part in parts if part]
    drawn = {part.get('data_root') for part in used if hasattr(DATASETS.get(part.type), 'prepare')}
    for part in used:
        for folder in (part.get('data_prefix') or {}).values() if part.get('data_root') not in drawn else ():
            yield str(Path(part.get('data_root') or '', folder))
