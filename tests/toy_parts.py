"""Registered parts of the tiny runs: a dataset, a backbone, and what breaks or scores a run."""

import os
import signal
from pathlib import Path
from typing import Optional

import mmseg_ssl  # noqa: F401  # isort: skip  (patches what the next imports need)
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModule
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS
from torch import nn

from mmseg_ssl.datasets import SemiDataset


@DATASETS.register_module(force=True)
class ToyDataset(BaseSegDataset):
    """Three classes, png on png."""

    METAINFO = dict(classes=('ground', 'wall', 'sky'), palette=[[0, 0, 0], [128, 0, 0], [0, 0, 128]])

    def __init__(self, **kwargs) -> None:
        super().__init__(img_suffix='.png', seg_map_suffix='.png', **kwargs)


@DATASETS.register_module(force=True)
class CountingSemiDataset(SemiDataset):
    """Writes down every draw that is read, in whatever process."""

    def __init__(self, log: Optional[str] = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.log = log

    def __getitem__(self, draw):
        if self.log:
            with open(self.log, 'a') as file:
                file.write(f'{draw.seed}\n')
        return super().__getitem__(draw)


@MODELS.register_module(force=True)
class ToyBackbone(BaseModule):
    """Two strided convolutions with BatchNorm (or GroupNorm) and dropout; stride 4, 8 channels."""

    def __init__(self, norm: str = 'bn', dropout: float = 0.2, init_cfg=None) -> None:
        super().__init__(init_cfg)

        def block(channels: int) -> nn.Sequential:
            layer = nn.BatchNorm2d(8) if norm == 'bn' else nn.GroupNorm(2, 8)
            return nn.Sequential(nn.Conv2d(channels, 8, 3, stride=2, padding=1), layer, nn.ReLU(), nn.Dropout(dropout))

        self.stages = nn.ModuleList([block(3), block(8)])

    def forward(self, images):
        feats = []
        for stage in self.stages:
            images = stage(images)
            feats.append(images)
        return tuple(feats)


@HOOKS.register_module(force=True)
class BreakLoss(Hook):
    """Make one weight infinite or not a number before an iteration (counted from 1)."""

    def __init__(self, iteration: int, value: str = 'nan') -> None:
        self.iteration, self.value = iteration, float(value)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter + 1 == self.iteration:
            next(runner.model.parameters()).data.fill_(self.value)


@HOOKS.register_module(force=True)
class DieOnce(Hook):
    """Kill one process after an iteration (counted from 1), unless the launcher has started it again."""

    def __init__(self, iteration: int, rank: int) -> None:
        self.iteration, self.rank = iteration, rank

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        again = os.environ.get('TORCHELASTIC_RESTART_COUNT', '0') != '0'
        if runner.iter + 1 == self.iteration and runner.rank == self.rank and not again:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module(force=True)
class RememberPath(Hook):
    """Put into every checkpoint what no safe reader reads."""

    def before_train(self, runner) -> None:
        runner.message_hub.update_info('path', Path(runner.work_dir))


@HOOKS.register_module(force=True)
class HostsCheckpointHook(CheckpointHook):
    """mmengine's hook under another name, so that ``tools/train.py`` leaves it."""


@METRICS.register_module(force=True)
class GrowingScore(BaseMetric):
    """A score that every validation improves: the number of iterations."""

    def process(self, data_batch, data_samples) -> None:
        self.results.append(0)

    def compute_metrics(self, results) -> dict:
        return dict(score=float(MessageHub.get_current_instance().get_info('iter')))
