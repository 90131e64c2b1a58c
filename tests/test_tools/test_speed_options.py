"""Options of ``tools/train.py`` that change how a step is computed, and the same settings in a config."""

from argparse import ArgumentParser

import pytest
import torch
from mmengine.config import Config
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.tooling import speed_options
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.speed_options import add_speed_options, apply_speed_options


def applied(line='', **cfg):
    parser = ArgumentParser()
    add_speed_options(parser)
    config = Config(dict(dict(model=dict(type='DUEB'), optim_wrapper=dict(type='OptimWrapper')), **cfg))
    apply_speed_options(config, parser.parse_args(line.split()))
    return config


def on_a_gpu(monkeypatch, there):
    monkeypatch.setattr(speed_options, 'print_log', lambda *args: None)  # it would ask the GPU that is not there
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: there)


@pytest.mark.parametrize(
    ('line', 'gpu', 'before', 'after'),
    [
        ('--amp', True, 'OptimWrapper', dict(type='AmpOptimWrapper', loss_scale='dynamic')),
        ('--amp', False, 'OptimWrapper', dict(type='Bf16OptimWrapper')),
        ('--amp', True, 'Bf16OptimWrapper', dict(type='Bf16OptimWrapper')),  # what the config has
        ('--amp bf16', True, 'OptimWrapper', dict(type='Bf16OptimWrapper')),
        ('--amp bf16', True, 'AmpOptimWrapper', dict(type='Bf16OptimWrapper')),
        ('--amp fp16', True, 'Bf16OptimWrapper', dict(type='AmpOptimWrapper', loss_scale='dynamic')),
        ('--amp fp16', True, 'OptimWrapper', dict(type='AmpOptimWrapper', loss_scale='dynamic')),
    ],
)
def test_precisions(monkeypatch, line, gpu, before, after):
    on_a_gpu(monkeypatch, gpu)
    wrapper = dict(type=before, optimizer=dict(type='SGD'))
    if before == 'AmpOptimWrapper':
        wrapper['loss_scale'] = 512.0
    assert applied(line, optim_wrapper=wrapper).optim_wrapper == dict(after, optimizer=dict(type='SGD'))


def test_what_is_not_possible_says_so(monkeypatch):
    on_a_gpu(monkeypatch, False)
    for line, cfg, message in (
        ('--amp fp16', {}, 'needs a GPU'),
        ('--amp fp8', {}, 'take bf16 or fp16'),
        ('--amp', dict(optim_wrapper=dict(type='MyWrapper')), 'MyWrapper'),
        ('--compile --checkpoint-activations', {}, 'exclude each other'),
        ('--compile', dict(activation_checkpointing=True), 'exclude each other'),
    ):
        with pytest.raises(UserError, match=message):
            applied(line, **cfg)
    with pytest.raises(SystemExit):
        applied('--accumulate 0')


def test_the_other_options():
    """Each is one setting; hooks of the config stay, and the host's ``compile`` never reaches the host."""
    cfg = applied('--channels-last --accumulate 4 --compile', custom_hooks=[dict(type='A')])
    assert cfg.model.data_preprocessor == dict(channels_last=True)
    assert cfg.optim_wrapper.accumulative_counts == 4
    assert cfg.custom_hooks == [dict(type='A'), dict(type='CompileNetworks')]
    assert applied('--checkpoint-activations').custom_hooks == [dict(type='CheckpointActivations')]
    cfg = applied(compile=dict(mode='max-autotune'))
    assert cfg.custom_hooks == [dict(type='CompileNetworks', mode='max-autotune')]
    assert 'compile' not in cfg
    cfg = applied(activation_checkpointing=True)
    assert cfg.custom_hooks == [dict(type='CheckpointActivations')]
    assert 'activation_checkpointing' not in cfg
    assert applied(activation_checkpointing=['student.segmentor.backbone.layer1']).get('custom_hooks') is None
    assert set(applied()) == {'model', 'optim_wrapper'}


@pytest.mark.slow
def test_a_run_with_every_option(tmp_path):
    """The hooks of the options are found and say what they do; checkpointed activations change no loss of a run."""
    path = write_config(tmp_path / 'config.py', toy_config(draw_images(tmp_path / 'data')))
    options = ['--amp', 'bf16', '--channels-last', '--accumulate', '2']
    for name, more in (('plain', []), ('small', ['--checkpoint-activations'])):
        assert train(path, tmp_path / name, *options, *more) == 0, output(tmp_path / name)
    assert 'blocks of backbones are computed twice' in output(tmp_path / 'small')
    assert loss_curve(tmp_path / 'small') == loss_curve(tmp_path / 'plain')
    config = toy_config(tmp_path / 'data', compile=dict(backend='eager'))
    path = write_config(tmp_path / 'compiled.py', config)
    assert train(path, tmp_path / 'compiled') == 0, output(tmp_path / 'compiled')
    assert '2 backbones and necks are compiled' in output(tmp_path / 'compiled')
