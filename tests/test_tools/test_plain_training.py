"""Losses and hooks of this package in a plain mmseg network, trained and tested by mmseg's own tools."""

import os
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest
from toy_process import ROOT
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.utils.safe_load import load_weights_only

TOOLS = Path(mmseg.__file__).parent / '.mim/tools'
HOOKS = (
    'SeedHook',
    'DataSummaryHook',
    'StopOnNonFiniteLoss',
    'PeakMemoryHook',
    'CheckWeightsHook',
    'SemiVisualizationHook',
)


def plain_config(folder: Path, model: dict) -> dict:
    """The toy run on an ordinary dataset, with the host's loop and sampler."""
    config = toy_config(draw_images(folder / 'data'))
    loader = config['train_dataloader']
    labeled = loader['dataset']['labeled']
    steps = [step for step in labeled['pipeline'] if step['type'] != 'PackSemiInputs'] + [dict(type='PackSegInputs')]
    sampler = dict(type='InfiniteSampler', shuffle=True)
    config['train_dataloader'] = dict(
        batch_size=2, num_workers=0, sampler=sampler, dataset=dict(labeled, pipeline=steps)
    )
    config['train_cfg'] = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
    config['test_dataloader'], config['test_evaluator'] = config['val_dataloader'], config['val_evaluator']
    config['test_cfg'] = dict(type='TestLoop')
    hooks = dict(checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2))
    hooks['logger'] = dict(type='LoggerHook', interval=1, log_metric_by_epoch=False)
    config.update(model=model, default_hooks=hooks, custom_hooks=[dict(type=hook) for hook in HOOKS])
    return config


def run(tool: str, *words) -> str:
    """Run one of mmseg's tools in a process of its own; returns what it printed."""
    places = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    command = [sys.executable, str(TOOLS / tool), *map(str, words)]
    done = subprocess.run(command, env=dict(os.environ, PYTHONPATH=places), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def losses_of(text: str) -> set:
    return {word.rstrip(':') for word in text.split() if word.startswith(('decode.', 'sup.')) and word.endswith(':')}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_mmseg_trains_and_tests_a_plain_network_with_our_losses_and_hooks(tmp_path):
    network = toy_config(tmp_path)['model']['segmentor']
    network['data_preprocessor'] = dict(type='SegDataPreProcessor', size=(16, 16), test_cfg=dict(size_divisor=4))
    network['decode_head']['loss_decode'] = [
        dict(type='HeteroscedasticCrossEntropy', num_classes=3),
        dict(type='EnergyLoss', loss_weight=0.1),
        dict(type='HardPixelCrossEntropy', min_kept=8),
        dict(type='PottsLoss'),
    ]
    network['decode_head'].update(
        type='WithSideHeads', of='FCNHead', side_heads=dict(variance=dict(type='VarianceHead'))
    )
    config = write_config(tmp_path / 'plain.py', plain_config(tmp_path, network))
    text = run('train.py', config, '--work-dir', tmp_path / 'run')
    assert {f'decode.loss_{name}' for name in ('heteroscedastic', 'energy', 'ohem', 'potts', 'variance')} <= losses_of(
        text
    )
    weights = load_weights_only(tmp_path / 'run/iter_4.pth')['state_dict']
    assert (weights['decode_head.loss_decode.0.variance.bias'] != 0).all()  # it was trained
    assert 'mIoU' in run('test.py', config, tmp_path / 'run/iter_4.pth', '--work-dir', tmp_path / 'test')


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_supervised_with_a_side_head_trains_on_an_ordinary_dataset(tmp_path):
    model = dict(toy_config(tmp_path)['model'], type='Supervised', side_heads=dict(variance=dict(type='VarianceHead')))
    config = write_config(tmp_path / 'side.py', plain_config(tmp_path, model))
    text = run('train.py', config, '--work-dir', tmp_path / 'run')
    assert {'sup.loss_ce', 'sup.loss_variance'} <= losses_of(text)
    assert 'mIoU' in run('test.py', config, tmp_path / 'run/iter_4.pth', '--work-dir', tmp_path / 'test')
