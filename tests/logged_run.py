"""A finished run with images, masks and the logs of a training, without the training."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tiny_run
from mmengine.config import Config
from mmengine.registry import init_default_scope

LOG = """2026/11/27 08:00:00 - mmengine - INFO -
System environment:
    CPU capability usage: AVX2
    PyTorch: 2.13.0+cpu
2026/11/27 08:00:01 - mmengine - INFO - Data looked at: labeled   3 images, 56x40 (train_dataloader.dataset)
2026/11/27 08:00:01 - mmengine - WARNING - Data: class <b>car</b> is in 1 of 3 images
2026/11/27 08:00:01 - mmengine - WARNING - "FileClient" will be deprecated in future.
"""


def write_logged_run(folder: Path, images: int = 5, method: str = 'DUEB', **options: Any) -> Path:
    """Write a work dir as ``tools/train.py`` leaves it, with val images beside it; return the work dir."""
    init_default_scope('mmseg')  # a module's fixture comes before the one that sets it
    data = folder.parent / f'{folder.name}_data'
    for number in range(images):
        mask = (tiny_run.noise(100 + number)[..., 0] // 64).astype(np.uint8)
        mask[:4, :4] = 255
        for part, pixels in (('img', tiny_run.noise(number)), ('ann', mask)):
            (data / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(data / part / f'{number}.png'), pixels)
    tiny_run.write_run(folder, method, **options)
    config = Config.fromfile(str(folder / 'tiny_mine.py'))
    dataset = dict(config.test_dataloader.dataset, data_root=str(data), img_suffix='.png', seg_map_suffix='.png')
    loader = dict(batch_size=1, dataset=dataset)
    config.merge_from_dict(dict(val_dataloader=loader, test_dataloader=loader, train_cfg=dict(max_iters=6)))
    config.dump(str(folder / 'tiny_mine.py'))
    logs = folder / '20261127_080000'
    (logs / 'vis_data').mkdir(parents=True)
    lines = [dict(step=step, loss=3 / step, time=0.5, data_time=0.1, memory=100 + step) for step in range(1, 7)]
    lines = [dict(line, **{'unsup.kept': line['step'] / 10, 'sup.loss_ce': 2 / line['step']}) for line in lines]
    lines += [dict(step=3, mIoU=30.0), dict(step=6, mIoU=40.0)]
    (logs / 'vis_data/scalars.json').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    (logs / '20261127_080000.log').write_text(LOG)
    (logs / 'data.json').write_text(json.dumps(dict(labeled=3, total=9, unlabeled=6, shared=0, list='mine', hash='ab')))
    return folder
