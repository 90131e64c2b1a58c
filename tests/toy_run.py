"""A whole training run in about a second: tiny images on disk, a tiny network, and ways to kill it.

Runs are real processes that go through ``tools/train.py``. They are forked from one server that has imported everything, so
that a test pays the import only once.
"""
import builtins
import importlib.util
import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Dict, List, Optional

import cv2
import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModule
from torch import nn

import mmseg_ssl  # noqa: F401
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS, HOOKS, MODELS
from mmseg_ssl.datasets import SemiDataset

ROOT = Path(__file__).resolve().parents[1]
SIZE = 24
READS = 'reads.txt'


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


def draw_images(folder: Path, labeled: int = 6, unlabeled: int = 9, val: int = 2) -> Path:
    """Draw noisy three-class scenes: ``img/`` (all), ``ann/`` (labelled and val), ``labeled.txt``, ``val.txt``."""
    rng = np.random.RandomState(0)
    for name in ('img', 'ann'):
        (folder / name).mkdir(parents=True)
    total = labeled + unlabeled + val
    for index in range(total):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[:rng.randint(4, 12)] = 2
        mask[10:, rng.randint(0, 8):rng.randint(10, 20)] = 1
        image = mask[..., None] * 70 + rng.randint(0, 60, (SIZE, SIZE, 3))
        cv2.imwrite(str(folder / 'img' / f'{index:02d}.png'), image.astype(np.uint8))
        if index < labeled or index >= total - val:
            cv2.imwrite(str(folder / 'ann' / f'{index:02d}.png'), mask)
    (folder / 'labeled.txt').write_text(''.join(f'{index:02d}\n' for index in range(labeled)))
    (folder / 'val.txt').write_text(''.join(f'{index:02d}\n' for index in range(total - val, total)))
    return folder


def toy_config(data: Path, **changes) -> dict:
    """Build the config of a run of 6 iterations on :func:`draw_images`; ``changes`` replace top-level entries."""
    load = [dict(type='LoadImageFromFile')]
    mask = [dict(type='LoadAnnotations')]
    weak = [dict(type='RandomCrop', crop_size=(16, 16)), dict(type='RandomFlip', prob=0.5), dict(type='PackSemiInputs')]
    folder = dict(img_path=str(data / 'img'))
    config = dict(
        default_scope='mmseg',
        custom_imports=dict(imports=['mmseg_ssl', 'toy_run'], allow_failed_imports=False),
        env_cfg=dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0)),
        log_processor=dict(by_epoch=False, window_size=1),
        vis_backends=[dict(type='LocalVisBackend')],
        visualizer=dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer'),
        train_dataloader=dict(
            batch_size=2, num_workers=0, sampler=dict(type='SemiSampler'), collate_fn=dict(type='semi_collate'),
            dataset=dict(
                type='CountingSemiDataset', unlabeled_per_labeled=2,
                labeled=dict(type='ToyDataset', ann_file=str(data / 'labeled.txt'), pipeline=load + mask + weak,
                             data_prefix=dict(folder, seg_map_path=str(data / 'ann'))),
                unlabeled=dict(type='UnlabeledImages', img_suffix='.png', data_prefix=folder, pipeline=load + weak,
                               exclude=str(data / 'labeled.txt')))),
        val_dataloader=dict(
            batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='ToyDataset', ann_file=str(data / 'val.txt'), pipeline=load + mask + [dict(type='PackSegInputs')],
                         data_prefix=dict(folder, seg_map_path=str(data / 'ann')))),
        val_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
        val_cfg=dict(type='ValLoop'),
        train_cfg=dict(type='SemiTrainLoop', max_iters=6, val_interval=3),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)),
        param_scheduler=[dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=3),
                         dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=3, end=6)],
        model=toy_model('MeanTeacher'),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2)),
        custom_hooks=[dict(type='SeedHook'), dict(type='StopOnNonFiniteLoss'), dict(type='MeanTeacherHook', momentum=0.1)],
        randomness=dict(seed=0))
    config.update(changes)
    return config


def toy_model(method: str, norm: str = 'bn', dropout: float = 0.2, **options) -> dict:
    """Build the config of a method with the tiny network."""
    strong = dict(strong=dict(type='StrongAugment')) if method == 'MeanTeacher' else {}
    normalize = dict(cfg=dict(type='GN', num_groups=2)) if norm == 'gn' else dict(cfg=dict(type='BN'))
    return dict(
        type=method,
        data_preprocessor=dict(type='SemiDataPreProcessor', size=(16, 16), mean=[128.] * 3, std=[64.] * 3,
                               test_cfg=dict(size_divisor=4), **strong),
        segmentor=dict(
            type='EncoderDecoder', backbone=dict(type='ToyBackbone', norm=norm, dropout=dropout),
            decode_head=dict(type='FCNHead', in_channels=8, in_index=1, channels=8, num_convs=1, num_classes=3,
                             dropout_ratio=dropout / 2, norm_cfg=normalize['cfg'], align_corners=False,
                             loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
            train_cfg=dict(), test_cfg=dict(mode='whole')),
        **options)


def write_config(path: Path, config: dict) -> Path:
    """Write a config as the Python file that ``tools/train.py`` takes."""
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in config.items()))
    return path


class _HalfWriter:
    """A file that writes half of the first bytes it is given; then its process is killed."""

    def __init__(self, file) -> None:
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.file.close()

    def write(self, content) -> None:
        self.file.write(content[:len(content) // 2])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def _kill_while_writing(name: str) -> None:
    true_open = builtins.open

    def half_open(file, mode='r', *args, **kwargs):
        opened = true_open(file, mode, *args, **kwargs)
        return _HalfWriter(opened) if 'w' in mode and Path(str(file)).name.startswith(name) else opened

    builtins.open = half_open


def _kill_before_rename(name: str) -> None:
    true_replace = os.replace

    def replace(source, target):
        if Path(target).name == name:
            os.kill(os.getpid(), signal.SIGKILL)
        true_replace(source, target)

    os.replace = replace


def _kill_after_iteration(number: str) -> None:
    from mmengine.runner import IterBasedTrainLoop
    true_run_iter = IterBasedTrainLoop.run_iter

    def run_iter(self, data_batch):
        true_run_iter(self, data_batch)
        if self._iter == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    IterBasedTrainLoop.run_iter = run_iter


KILLS = dict(writing=_kill_while_writing, rename=_kill_before_rename, iteration=_kill_after_iteration)


def _train(argv: List[str], kill: Optional[str], output: str) -> None:
    """Run ``tools/train.py`` in this process, which will be killed at ``kill = '<when>:<what>'``."""
    with open(output, 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    torch.set_num_threads(1)
    if kill:
        when, what = kill.split(':')
        KILLS[when](what)
    spec = importlib.util.spec_from_file_location('train_tool', ROOT / 'tools' / 'train.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with tool.readable_errors():
        tool.main(argv)


def _server() -> multiprocessing.context.BaseContext:
    """Get the context whose server imports everything once."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    if paths not in os.environ.get('PYTHONPATH', ''):
        os.environ['PYTHONPATH'] = os.pathsep.join([paths, os.environ.get('PYTHONPATH', '')])
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['toy_server'])
    return context


def train(config: Path, work_dir: Path, *argv: str, kill: Optional[str] = None) -> int:
    """Train in a process of its own.

    Args:
        config: The config file.
        work_dir: The run's folder.
        *argv: More of the command line, e.g. ``'--resume'``.
        kill: ``'writing:<file>'``, ``'rename:<file>'`` or ``'iteration:<n>'``: where the process gets SIGKILL.

    Returns:
        Its exit code; minus the signal if it was killed. Its output is in ``<work_dir>.txt``.
    """
    command = [str(config), '--work-dir', str(work_dir), *argv]
    process = _server().Process(target=_train, args=(command, kill, f'{work_dir}.txt'))
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def output(work_dir: Path) -> str:
    """Read what the last run in a folder printed."""
    return Path(f'{work_dir}.txt').read_text()


def loss_curve(work_dir: Path) -> Dict[int, Dict[str, float]]:
    """Read the losses from a run's own json logs: iteration -> every logged term; of a later log where two overlap."""
    curve = {}
    for log in sorted(work_dir.glob('*/vis_data/*_*.json')):
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if 'loss' in record:
                curve[record['step']] = {key: value for key, value in record.items()
                                         if key not in ('time', 'data_time', 'memory')}
    return curve


if __name__ == '__main__':
    draw_images(Path(sys.argv[1], 'data'))
    write_config(Path(sys.argv[1], 'config.py'), toy_config(Path(sys.argv[1], 'data')))
