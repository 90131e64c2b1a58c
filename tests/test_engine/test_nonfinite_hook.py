"""A broken loss stops the run, says where, and spoils no checkpoint."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import get_priority
from torch import nn
from toy_process import output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.engine import NonFiniteLossError, SafeCheckpointHook, StopOnNonFiniteLoss, find_resumable


def runner(tmp_path):
    return SimpleNamespace(iter=11, seed=5, work_dir=str(tmp_path), model=nn.Linear(2, 2))


def sample(name, label=None):
    fields = {} if label is None else {'gt_sem_seg': SimpleNamespace(data=label)}

    class Sample(dict):
        metainfo = dict(img_path=name)
        __getattr__ = dict.__getitem__

    return Sample(fields)


def batch():
    image, label = torch.ones(3, 2, 2, dtype=torch.uint8), torch.zeros(1, 2, 2)
    return dict(
        inputs=dict(sup=[image], weak=[image, 2 * image]),
        data_samples=dict(sup=[sample('a.png', label)], weak=[sample('b.png'), sample('c.png')]),
    )


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_stops_and_says_everything(tmp_path, value):
    outputs = {'loss': torch.tensor(float(value)), 'sup.loss_ce': torch.tensor(1.5)}
    with pytest.raises(NonFiniteLossError) as error:
        StopOnNonFiniteLoss().after_train_iter(runner(tmp_path), 11, batch(), outputs)
    for part in ('iteration 12', f'loss = {value}', 'sup.loss_ce = 1.5', 'sup: a.png', 'weak: b.png, c.png'):
        assert part in str(error.value)
    report = load_weights_only(str(tmp_path / 'nonfinite_iter_12.pth'))
    assert (report['iteration'], report['seed']) == (12, 5)
    assert report['losses']['sup.loss_ce'] == 1.5
    assert report['samples'] == dict(sup=['a.png'], weak=['b.png', 'c.png'])
    assert [len(report['inputs'][view]) for view in ('sup', 'weak')] == [1, 2]
    assert torch.equal(report['labels']['sup'][0], torch.zeros(1, 2, 2))
    assert report['labels']['weak'] == []


def test_a_plain_mmseg_batch_is_understood(tmp_path):
    plain = {key: value['sup'] for key, value in batch().items()}
    with pytest.raises(NonFiniteLossError, match='sup: a.png'):
        StopOnNonFiniteLoss().after_train_iter(runner(tmp_path), 11, plain, dict(loss=torch.tensor(float('nan'))))


def test_finite_losses_pass_and_diagnostics_may_be_anything(tmp_path):
    outputs = {'loss': torch.tensor(1e30), 'unsup.kept': torch.tensor(float('nan'))}
    StopOnNonFiniteLoss().after_train_iter(runner(tmp_path), 11, batch(), outputs)
    assert not list(tmp_path.iterdir())


def test_refuses_to_save_broken_parameters_but_not_buffers(tmp_path):
    hook, run = StopOnNonFiniteLoss(), runner(tmp_path)
    run.model.register_buffer('limit', torch.tensor(float('inf')))
    hook.before_save_checkpoint(run, dict(state_dict=run.model.state_dict()))
    run.model.bias.data[1] = float('nan')
    with pytest.raises(NonFiniteLossError, match='bias'):
        hook.before_save_checkpoint(run, dict(state_dict=run.model.state_dict()))


def test_comes_before_the_checkpoint():
    assert get_priority(StopOnNonFiniteLoss.priority) < get_priority(SafeCheckpointHook.priority)


def test_in_a_run(tmp_path):
    """The loss breaks in iteration 4, when a checkpoint is due: that of 3, before a validation, stays the last."""
    config = toy_config(draw_images(tmp_path / 'data'))
    config['custom_hooks'].append(dict(type='BreakLoss', iteration=4))
    run = tmp_path / 'run'
    assert train(write_config(tmp_path / 'config.py', config), run) == 1
    assert 'The loss of iteration 4 (rank 0) is not finite: loss = nan' in output(run)
    report = load_weights_only(str(run / 'nonfinite_iter_4.pth'))
    assert all(f'{path}' in output(run) for paths in report['samples'].values() for path in paths)
    assert [len(paths) for paths in report['samples'].values()] == [2, 4]
    assert not (run / 'iter_4.pth').exists()
    assert find_resumable(run) == run / 'iter_3.pth'
