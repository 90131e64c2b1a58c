"""Random batches of the benchmark: no dataset is needed."""

from typing import Dict, List, NamedTuple

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from ...structures import IGNORE_INDEX

BLOCK = 32
"""Side of the squares of one class in the random masks."""


class Setup(NamedTuple):
    """Settings that all methods of a benchmark share."""

    network: str  # mbv2, r50, tiny, or the path of a config
    crop: int  # side of the crops in pixels
    labeled: int  # labeled images per step
    unlabeled: int  # unlabeled images per step and stream; methods with unlabeled_per_labeled=2 take two streams
    classes: int
    device: str
    cpu_time: bool = False  # count computing time instead of wall time


def random_batch(setup: Setup, streams: int, seed: int = 0, scribbled: bool = False) -> Dict[str, Dict[str, list]]:
    """Make a batch as ``semi_collate`` does: noise in colored squares, with masks only on the labeled images.

    Args:
        setup: Settings of the benchmark.
        streams: Unlabeled images per labeled one; 0 for none.
        seed: Seed of images and masks.
        scribbled: Label one row of pixels in 32 alone, as scribbles do about 3 % of an image.

    Returns:
        ``inputs`` and ``data_samples`` by view. Unlabeled images carry the random map ``pseudo_sem_seg`` that
        offline pseudo-labels come in, and no ground truth.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = dict(sup=setup.labeled, weak=setup.unlabeled * streams)
    batch: Dict[str, Dict[str, list]] = dict(inputs={}, data_samples={})
    for view, count in counts.items():
        pairs = [_random_image(setup, generator) for _ in range(count)]
        if not pairs:
            continue
        batch['inputs'][view] = [image for image, _ in pairs]
        batch['data_samples'][view] = [_sample(view, index, mask) for index, (_, mask) in enumerate(pairs)]
    for sample in batch['data_samples']['sup'] if scribbled else ():
        unlabeled = torch.arange(setup.crop)[None, :, None].expand(1, -1, setup.crop) % BLOCK != BLOCK // 2
        sample.gt_sem_seg.data[unlabeled] = IGNORE_INDEX
        sample.set_data(dict(unlabeled_mask=PixelData(data=unlabeled.clone())))
    return batch


def _random_image(setup: Setup, generator: torch.Generator) -> List[Tensor]:
    """Make an image (3, H, W) and a mask (1, H, W), uint8."""
    side = -(-setup.crop // BLOCK)
    squares = torch.randint(0, setup.classes, (1, side, side), generator=generator)
    mask = squares.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)[:, : setup.crop, : setup.crop]
    noise = torch.randint(0, 100, (3, *mask.shape[1:]), generator=generator)
    return [(noise + mask * 150 // setup.classes).to(torch.uint8), mask.to(torch.uint8).contiguous()]


def _sample(view: str, index: int, mask: Tensor) -> SegDataSample:
    shape = tuple(mask.shape[1:])
    meta = dict(seed=1000 * (view == 'weak') + index, img_path=f'{view}_{index}.png', img_shape=shape, ori_shape=shape)
    sample = SegDataSample(metainfo=meta)
    if view == 'sup':
        sample.gt_sem_seg = PixelData(data=mask)
    else:  # classes and confidence
        sample.set_data(dict(pseudo_sem_seg=PixelData(data=torch.cat([mask, torch.full_like(mask, 255)]))))
    return sample
