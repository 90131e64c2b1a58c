"""A config's own model, pipelines, optimizer and hooks through one training step and one prediction, in small.

Small means: random weights; crops of about four strides, with the remainder that the config's crops have; one depth of
ResNet, few layers of a ViT; a batch of two labeled images. Widths, heads, losses, methods and their options stay.
"""

import copy
import hashlib
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmseg.datasets import BaseSegDataset
from mmseg.registry import HOOKS, MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.datasets import SemiDataset, semi_collate
from mmseg_ssl.datasets.semi_dataset import Draw
from mmseg_ssl.structures import IGNORE_INDEX, UNLABELED
from mmseg_ssl.utils.nested import nested_dicts

# sizes of the datasets' own images, for pipelines that scale by a factor
SIZES = dict(CityscapesDataset=(1024, 2048), CamVidDataset=(360, 480), ADE20KDataset=(512, 683), ShapesDataset=(64, 96))
STRIDES = 4
"""Of the network, along the shorter side of a crop."""


def shrink(cfg: Config, thin: bool = True) -> float:
    """Make a config small, in place, its network also shallow if ``thin``; returns the factor of its sizes."""
    backbone = cfg.model.segmentor.backbone
    unit = 14 if backbone.get('patch_size') == 14 else 16
    crop = cfg.model.data_preprocessor.get('size') or cfg.crop_size
    factor = STRIDES * unit / (min(crop) - min(crop) % unit)

    def whole(size: Tuple[int, int]) -> Tuple[int, ...]:
        """A crop's size: as many units as the factor says, and what was over."""
        return tuple(max(1, round(side // unit * factor)) * unit + side % unit for side in size)

    steps = [cfg.train_dataloader.dataset, cfg.test_dataloader.dataset, cfg.model.segmentor.get('test_cfg', {})]
    for part in [part for step in steps for part in nested_dicts(step)]:
        if 'crop_size' in part:
            part['crop_size'] = whole(part['crop_size'])
        for key in ('scale', 'stride'):
            if key in part:
                rigid = key == 'scale' and part.get('keep_ratio') is False
                part[key] = whole(part[key]) if rigid else tuple(max(1, round(side * factor)) for side in part[key])
    if cfg.model.data_preprocessor.get('size'):
        cfg.model.data_preprocessor.size = whole(cfg.model.data_preprocessor.size)
    for part in nested_dicts(cfg.model):
        part.pop('init_cfg', None)
        part.pop('pretrained', None)
        if part.get('neighborhood') == 'dense':
            part['resolution'] = max(1, round(64 * factor))  # cells along a side, all paired with all
        if thin and part.get('type') == 'ResNetV1c':
            part['depth'] = 50
    thin_transformer(backbone, thin)
    if 'segmentor' in (cfg.model.get('teacher') or {}):
        thin_transformer(cfg.model.teacher.segmentor.backbone, thin)
    return factor


def thin_transformer(backbone: dict, thin: bool) -> None:
    """Few layers; and backbones of other libraries give way to the host's of the same patches and widths."""
    if backbone.type == 'mmpretrain.VisionTransformer':
        width = {'dinov2-small': 384, 'base': 768}[backbone.arch]
        backbone.clear()
        backbone.update(type='VisionTransformer', img_size=(56, 56), patch_size=14, embed_dims=width, num_heads=6)
        backbone.update(num_layers=12, out_indices=(2, 5, 8, 11))
    if backbone.type == 'HuggingFaceBackbone':
        levels = backbone.out_indices
        backbone.clear()
        backbone.update(type='VisionTransformer', img_size=(64, 64), embed_dims=384, num_heads=6)
        backbone.update(num_layers=12, out_indices=levels)
    if backbone.type == 'TIMMBackbone':  # of the same widths as ConvNeXt-T
        backbone.clear()
        backbone.update(type='SwinTransformer', embed_dims=96, depths=(1, 1, 1, 1), num_heads=(3, 6, 12, 24))
    if backbone.type == 'VisionTransformer' and thin:
        levels = backbone.out_indices if isinstance(backbone.out_indices, tuple) else (backbone.out_indices,)
        backbone.update(num_layers=len(levels), out_indices=tuple(range(len(levels))))


def write_teacher(cfg: Config, folder: Path) -> None:
    """Put random weights where the config's frozen teacher, if it has one, looks for those of its training."""
    teacher = cfg.model.get('teacher') or {}
    if 'segmentor' in teacher:
        network = MODELS.build(copy.deepcopy(teacher.segmentor))
        weights = {f'{teacher.network}.network.segmentor.{key}': v for key, v in network.state_dict().items()}
        teacher.checkpoint = str(folder / 'teacher.pth')
        torch.save(dict(state_dict=weights), teacher.checkpoint)


def key_of(cfg: Config) -> str:
    """Return what decides about a step: configs that differ by their lists and lengths alone have one key."""
    data = cfg.train_dataloader.dataset
    hooks = [
        {key: sorted(value) if key == 'starts' else value for key, value in hook.items() if key not in ('begin', 'end')}
        for hook in cfg.get('custom_hooks', [])
    ]
    unlabeled = data.get('unlabeled') and data.unlabeled.pipeline
    parts = [cfg.model, data.labeled.type, data.labeled.pipeline, unlabeled, data.get('unlabeled_per_labeled', 1)]
    parts += [cfg.test_dataloader.dataset.pipeline, cfg.optim_wrapper, hooks]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Drawn(BaseSegDataset):
    """Random images, masks and pseudo-labels on disk, through a pipeline of the config."""

    def __init__(self, pipeline: List[dict], cfg: Config, size: Tuple[int, int], folder: Path, count: int) -> None:
        self.classes, self.size, self.folder, self.count = cfg.num_classes, size, folder, count
        self.scribbles = next((step for step in pipeline if step['type'] == 'LoadScribbles'), None)
        folder.mkdir()
        super().__init__(pipeline=pipeline, metainfo=dict(classes=[f'class {k}' for k in range(self.classes)]))

    def load_data_list(self) -> List[dict]:
        """Draw the files."""
        return [self.draw(index) for index in range(self.count)]

    def draw(self, index: int) -> Dict[str, Any]:
        """Blocks of classes in the colors of the class, and noise; an eighth is void."""
        rng = np.random.default_rng([index, len(self.folder.name)])
        height, width = self.size
        classes = rng.permutation(np.arange(max(height // 4 * (width // 4), 1)) % self.classes)
        blocks = np.resize(classes, (height // 4, width // 4)).astype(np.uint8)
        mask = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
        image = (mask[..., None] * np.array([3, 7, 11]) % 200 + rng.integers(0, 56, (*self.size, 3))).astype(np.uint8)
        maps = dict(img=image, pseudo_masks=mask.copy(), pseudo_confidence=np.full_like(mask, 255), seg_map=mask)
        mask[: height // 8] = IGNORE_INDEX
        if self.scribbles is not None:  # one pixel of five is labeled
            mask[rng.random(self.size) < 0.8] = self.scribbles.get('unlabeled_value', UNLABELED)
        paths = {f'{name}_path': str(self.folder / f'{name}{index}.png') for name in maps}
        for path, values in zip(paths.values(), maps.values()):
            cv2.imwrite(path, values)
        return dict(paths, label_map=None, reduce_zero_label=False, seg_fields=[])


def draw_batch(cfg: Config, size: Tuple[int, int], folder: Path) -> dict:
    """Two labeled images and their unlabeled ones, as the data loader gives them."""
    data = cfg.train_dataloader.dataset
    ratio = data.get('unlabeled_per_labeled', 1) if data.get('unlabeled') else 0
    labeled = Drawn(data.labeled.pipeline, cfg, size, folder / 'labeled', 2)
    unlabeled = Drawn(data.unlabeled.pipeline, cfg, size, folder / 'unlabeled', 2 * ratio) if ratio else None
    dataset = SemiDataset(labeled, unlabeled, ratio)
    draws = [Draw(draw, tuple(range(draw * ratio, (draw + 1) * ratio)), draw) for draw in (0, 1)]
    return semi_collate([dataset[draw] for draw in draws])


def train(cfg: Config, model: torch.nn.Module, batch: dict) -> List[Tuple[str, Dict[str, torch.Tensor]]]:
    """A step in each stage, or one at the end of the ramp; returns stage and logs of each step."""
    wrapper = build_optim_wrapper(model.train(), cfg.optim_wrapper)
    hooks = [HOOKS.build(hook) for hook in cfg.get('custom_hooks', []) if hook.type != 'ScribbleVisHook']  # it draws
    length = cfg.train_cfg.max_iters
    told = dict(logger=logging.getLogger('one_step'), message_hub=MessageHub('one_step'))
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper, iter=0, max_iters=length, **told)
    for hook in hooks:
        hook.before_train(runner)
    starts = {start for hook in hooks for start in getattr(hook, 'starts', {}).values()}
    ramps = any(type(hook).__name__ == 'UnsupRampHook' for hook in hooks)
    logs = []
    for runner.iter in sorted(starts | ({length - 1} if ramps or not starts else set())):
        for hook in hooks:
            hook.before_train_iter(runner, runner.iter, batch)
        outputs = model.train_step(copy.deepcopy(batch), wrapper)
        for hook in hooks:
            hook.after_train_iter(runner, runner.iter, batch, outputs)
        logs.append((getattr(model, 'stage', ''), outputs))
    return logs


def predict(cfg: Config, model: torch.nn.Module, size: Tuple[int, int], folder: Path) -> SegDataSample:
    """An image through the pipeline, the window and the networks of the test."""
    images = Drawn(cfg.test_dataloader.dataset.pipeline, cfg, size, folder / 'test', 1)
    model.eval()
    with torch.no_grad():
        return model.test_step(pseudo_collate([images[0]]))[0]
