"""A network of a few dozen weights and a batch of a few dozen pixels, on which every method's loss is computed by hand.

All numbers come from NumPy's legacy generator, whose stream never changes, so the losses can be written down.
"""

import copy
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

CLASSES = 4
SIZE = (6, 8)
MEAN, STD = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)
SHAPES = dict(sup=((6, 8), (6, 6)), weak=((6, 8), (4, 8), (6, 5), (6, 8)))
"""Part of each image that is not padding."""
SEED = 7
VIEWS = ('strong', 'strong1', 'strong2')


@MODELS.register_module()
class PlainBackbone(nn.Module):
    """Two levels at stride 2, by 1x1 convolutions.

    In training, half of the mean of all images of the call comes off; in evaluation nothing does. So a loss tells who
    shared a call and in which mode the network was, which BatchNorm and dropout would tell through a blur.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 6, 1)

    def forward(self, images: Tensor) -> Tuple[Tensor, Tensor]:
        first = self.first(F.avg_pool2d(images, 2)).tanh()
        if self.training:
            first = first - first.mean(dim=(0, 2, 3), keepdim=True) / 2
        return first, self.second(first).tanh()


def head(channels: int, level: int, weight: float = 1.0) -> dict:
    """Config of a head that is its classifier alone."""
    return dict(
        type='FCNHead',
        in_channels=channels,
        in_index=level,
        channels=channels,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=CLASSES,
        norm_cfg=None,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=weight),
    )


def segmentor() -> dict:
    """Config of the network, with an auxiliary head."""
    return ConfigDict(
        type='EncoderDecoder',
        backbone=dict(type='PlainBackbone'),
        decode_head=head(6, 1),
        auxiliary_head=head(5, 0, weight=0.4),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


def localizer() -> dict:
    """Config of a judge of that kind."""
    return dict(backbone=dict(type='PlainBackbone'), decode_head=head(6, 1))


def build(method: str, **options: Any) -> nn.Module:
    """Build a method around that network, in training mode; every network has its own weights."""
    preprocessor = dict(type='SemiDataPreProcessor', mean=MEAN, std=STD)
    config = dict(type=method, segmentor=segmentor(), data_preprocessor=preprocessor, **options)
    model = MODELS.build(copy.deepcopy(config))
    if hasattr(model, 'teacher'):
        model.teacher.start(model.student)
    random = np.random.RandomState(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 8.0 if 'conv_seg' in name else 2.5
            scale = 0.5 if parameter.dim() == 1 else spread / parameter.shape[1] ** 0.5
            parameter.copy_(torch.from_numpy(scale * random.randn(*parameter.shape)))
    return model.train()


def inside(shapes: Tuple[Tuple[int, int], ...]) -> Tensor:
    """Return a mask of the image pixels, (B, H, W)."""
    masks = torch.zeros(len(shapes), *SIZE, dtype=torch.bool)
    for mask, (height, width) in zip(masks, shapes):
        mask[:height, :width] = True
    return masks


def batch(scribbles: bool = False) -> Tuple[Dict[str, Tensor], Dict[str, List[SegDataSample]]]:
    """Views and samples as the preprocessor gives them: padding is 0, and 255 in the masks.

    Strong views are images of their own. Of the labeled pixels, some are void; with ``scribbles``, half are not
    labeled, and an image has seeds of two classes.
    """
    random = np.random.RandomState(SEED + 1)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    inputs, samples = {}, {}
    for view in ('sup', 'weak', *VIEWS):
        valid = inside(SHAPES['sup' if view == 'sup' else 'weak'])
        raw = torch.from_numpy(random.randint(0, 256, (len(valid), 3, *SIZE))).float()
        inputs[view] = (raw - mean) / std * valid[:, None]
    for view, shapes in SHAPES.items():
        samples[view] = []
        for index, (shape, valid) in enumerate(zip(shapes, inside(shapes))):
            sample = SegDataSample(metainfo=dict(seed=100 * (view == 'sup') + index, img_shape=shape, pad_shape=SIZE))
            if view == 'sup':
                mask = torch.from_numpy(random.randint(0, CLASSES, (1, *SIZE)))
                fate = torch.from_numpy(random.rand(1, *SIZE))
                mask = (mask // 2 * 2 + index) % CLASSES if scribbles else mask
                void, unlabeled = (fate > 0.9) | ~valid, (fate < (0.45 if scribbles else 0.1)) & valid
                sample.gt_sem_seg = PixelData(data=mask.masked_fill(void | unlabeled, 255))
                sample.unlabeled_mask = PixelData(data=unlabeled)
            else:
                written = random.randint(0, CLASSES, shape), random.randint(100, 256, shape)
                maps = torch.from_numpy(np.stack(written)).to(torch.uint8)
                maps[0, 0, :2] = 255
                sample.pseudo_sem_seg = PixelData(data=maps)
            samples[view].append(sample)
    return inputs, samples


def losses_of(model: nn.Module, scale: float, scribbles: bool = False) -> Dict[str, Tensor]:
    """``loss()`` of that batch, with torch's generator seeded."""
    model.unsup_scale.fill_(scale)
    inputs, samples = batch(scribbles)
    torch.manual_seed(SEED)
    return model({view: images.clone() for view, images in inputs.items()}, samples, mode='loss')


class Case(NamedTuple):
    """A method with options, in a stage, while what is taught counts ``scale``; on scribbles or on masks."""

    method: str
    options: Dict[str, Any] = {}
    stage: Optional[str] = None
    scale: float = 0.7
    scribbles: bool = False

    def build(self) -> nn.Module:
        """The plain model."""
        model = build(self.method, **self.options)
        if self.stage:
            model.stage = self.stage
        return model

    def losses(self, model: nn.Module) -> Dict[str, Tensor]:
        """Of the plain batch."""
        return losses_of(model, self.scale, self.scribbles)
