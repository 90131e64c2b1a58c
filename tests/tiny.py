"""Networks and batches of a few kilobytes, shared by the tests of the models."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional

import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

NUM_CLASSES = 4
NORM = dict(type='BN', requires_grad=True)


@MODELS.register_module()
class TinyBackbone(nn.Module):
    """Two levels at strides 2 and 4; the image comes in, no pretrained weights, nothing else."""

    def __init__(self, channels: int = 8, in_channels: int = 3) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU())

    def forward(self, images: Tensor) -> tuple:
        first = self.first(images)
        return first, self.second(first)


def fcn_head(**changes: Any) -> dict:
    """Config of an FCN head on the last level."""
    head = dict(
        type='FCNHead',
        in_channels=8,
        in_index=1,
        channels=8,
        num_convs=1,
        dropout_ratio=0.1,
        num_classes=NUM_CLASSES,
        norm_cfg=NORM,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    )
    return dict(head, **changes)


def tiny_segmentor(auxiliary: bool = False, **changes: Any) -> dict:
    """Config of an ``EncoderDecoder`` with a few hundred weights."""
    segmentor = dict(
        type='EncoderDecoder',
        backbone=dict(type='TinyBackbone'),
        decode_head=fcn_head(),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    if auxiliary:
        segmentor['auxiliary_head'] = fcn_head(in_index=0)
        segmentor['auxiliary_head']['loss_decode'] = dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)
    return ConfigDict(segmentor, **changes)  # as from a config file: the host reads test_cfg.mode


def binary_segmentor(channels: int = 1, **changes: Any) -> dict:
    """Config of two classes in one channel, as mmseg recommends for binary segmentation, or in two."""
    segmentor = tiny_segmentor(auxiliary=True, **changes)
    for head in (segmentor.decode_head, segmentor.auxiliary_head):
        head.update(num_classes=2, out_channels=channels, threshold=0.5)
        head.loss_decode.use_sigmoid = channels == 1
    return segmentor


def preprocessor(**changes: Any) -> dict:
    """Config of the preprocessor, with strong views."""
    config = dict(
        type='SemiDataPreProcessor',
        mean=[120.0, 110.0, 100.0],
        std=[60.0, 50.0, 40.0],
        size=(32, 32),
        strong={name: dict(type='StrongAugment') for name in ('strong', 'strong1', 'strong2')},
    )
    return dict(config, **changes)


# a method's parts in the size of these tests, and options without which random weights would teach a part nothing
LOCALIZER = dict(backbone=dict(type='TinyBackbone'), decode_head=fcn_head(loss_decode=dict(type='CrossEntropyLoss')))
DEFAULTS = {
    'ELNWarmup': dict(localizer=LOCALIZER, slack=(0.0, 0.0)),
    'ELN': dict(localizer=LOCALIZER, slack=(0.0, 0.0), threshold=0.0),
    'FARCLUSS': dict(projection=dict(hidden_channels=8, out_channels=6)),
    'CutMixSeg': dict(threshold=0.0),
    'FixMatch': dict(threshold=0.0),
    'LocatedCPS': dict(localizer=LOCALIZER, threshold=0.0),
    'UniMatchV1': dict(threshold=0.0),
    'UniMatchV2': dict(threshold=0.0),
    'HardSelfLabeling': dict(error_rate=0.3),  # 0.944 is for 21 classes
}


def build(method: str = 'Supervised', segmentor: Optional[dict] = None, **options: Any) -> nn.Module:
    """Build a method around the tiny network, initialized from torch's global seed, its teacher started."""
    options.setdefault('data_preprocessor', preprocessor())
    options = dict(DEFAULTS.get(method, {}), **options)
    # copied: the host's registries take pieces out of the configs that they build from
    model = MODELS.build(copy.deepcopy(dict(type=method, segmentor=segmentor or tiny_segmentor(), **options)))
    model.init_weights()
    if hasattr(model, 'teacher'):
        model.teacher.start(model.student)
    return model.train()


def sample(index: int, mask: Optional[Tensor] = None, **meta: Any) -> SegDataSample:
    """Make a sample as ``SemiDataset`` gives it."""
    meta = dict(dict(seed=1000 + index, img_path=f'{index}.png', img_shape=(32, 32), ori_shape=(32, 32)), **meta)
    result = SegDataSample(metainfo=meta)
    if mask is not None:
        result.gt_sem_seg = PixelData(data=mask)
        result.unlabeled_mask = PixelData(data=mask == 255)  # nobody labeled them; they are image
    return result


def drawn(size: int, generator: torch.Generator) -> tuple:
    """Draw a crop: one noisy color per class, in stripes; image (3, H, W) and mask (1, H, W), uint8."""
    stripes = torch.randint(0, NUM_CLASSES, (4,), generator=generator).repeat_interleave(-(-size // 4))[:size]
    mask = stripes[:, None].expand(size, size).clone()
    mask[: size // 8] = 255
    noise = torch.randint(0, 50, (3, size, size), generator=generator)
    color = torch.tensor([[0, 60, 120, 180], [180, 0, 60, 120], [120, 180, 0, 60]])[:, mask % NUM_CLASSES]
    return (color + noise).to(torch.uint8), mask[None].to(torch.uint8)


def batch(labeled: int = 2, ratio: int = 2, size: int = 32, seed: int = 0) -> Dict[str, Dict[str, List]]:
    """Make a batch as ``semi_collate`` does: labeled crops, and ``ratio`` unlabeled ones for each."""
    generator = torch.Generator().manual_seed(seed)
    inputs: Dict[str, List] = dict(sup=[], weak=[])
    samples: Dict[str, List] = dict(sup=[], weak=[])
    for index in range(labeled * (1 + ratio)):
        image, mask = drawn(size, generator)
        view = 'sup' if index < labeled else 'weak'
        inputs[view].append(image)
        samples[view].append(sample(index + 100 * seed, mask if view == 'sup' else None))
        if view == 'weak':  # what a network wrote beforehand, right in three stripes of four; sure of it
            written = mask.where(mask != mask[0, -1, 0], (mask + 1) % NUM_CLASSES).where(mask != 255, mask)
            maps = torch.cat([written, torch.full_like(written, 200)])
            samples[view][-1].set_data(dict(pseudo_sem_seg=PixelData(data=maps)))
    if not ratio:
        del inputs['weak'], samples['weak']
    return dict(inputs=inputs, data_samples=samples)


def binary_batch(**options: Any) -> Dict[str, Dict[str, List]]:
    """:func:`batch` with masks and written labels of two classes."""
    data = batch(**options)
    for item in [item for samples in data['data_samples'].values() for item in samples]:
        labels = [item.gt_sem_seg.data] if 'gt_sem_seg' in item else [item.pseudo_sem_seg.data[:1]]
        for label in labels:
            label[label != 255] %= 2
    return data


def loss_of(model: nn.Module, data: dict, seed: int = 0) -> Dict[str, Tensor]:
    """Preprocess a copy of a batch and return ``loss()``'s dict under a seed."""
    data = model.data_preprocessor(copy.deepcopy(data), True)
    torch.manual_seed(seed)
    return model(**data, mode='loss')
