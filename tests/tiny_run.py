"""A finished run in a folder: a config with a test pipeline, and a checkpoint as the trainer leaves it."""

from pathlib import Path
from typing import Any

import numpy as np
import tiny
import torch
from mmengine.config import Config

META = dict(classes=('sky', 'road', 'car', 'tree'), palette=[[0, 0, 9], [90, 90, 90], [255, 0, 0], [0, 255, 0]])
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]


def write_run(folder: Path, method: str = 'Supervised', **options: Any) -> Any:
    """Write the work dir of a method with random weights around the tiny network; return the model.

    Args:
        folder: The work dir.
        method: Type of the model.
        **options: Further options of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    preprocessor = tiny.preprocessor(size=None, strong=None)
    given = dict(segmentor=tiny.tiny_segmentor(), data_preprocessor=preprocessor)
    options = dict(tiny.DEFAULTS.get(method, {}), **given | options)
    model = tiny.build(method, **options)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    dataset = dict(type='BaseSegDataset', data_root='nowhere', metainfo=META, pipeline=PIPELINE)
    loader = dict(batch_size=1, dataset=dict(dataset, data_prefix=dict(img_path='img', seg_map_path='ann')))
    model_cfg = dict(type=method, **options)
    config = dict(default_scope='mmseg', model=model_cfg, test_dataloader=loader, test_pipeline=PIPELINE)
    Config(config).dump(str(folder / 'tiny_mine.py'))
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=6, dataset_meta=META)), folder / 'iter_6.pth')
    (folder / 'last_checkpoint').write_text(str(folder / 'iter_6.pth'))
    return model.eval()


def noise(seed: int, height: int = 40, width: int = 56) -> np.ndarray:
    """Draw an image of smooth noise."""
    small = np.random.RandomState(seed).randint(0, 255, (height // 8, width // 8, 3))
    return small.astype(np.uint8).repeat(8, 0).repeat(8, 1)
