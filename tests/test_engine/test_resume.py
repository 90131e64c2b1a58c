"""Bit-equal losses: run to run, for any number of workers, and across a kill and a resume."""

import signal

import pytest
import torch
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, toy_model, write_config

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.engine.resume import is_complete

ITERATIONS = 6
SLOW = pytest.mark.slow
STUDENT_ONLY = [dict(type='SeedHook'), dict(type='StopOnNonFiniteLoss')]


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp('toy') / 'data')


@pytest.fixture(scope='module')
def reference(data, tmp_path_factory):
    """A run that nothing interrupts: its config, its folder, and the draws that it read, in order."""
    folder = tmp_path_factory.mktemp('reference')
    config = with_read_log(toy_config(data), folder / 'reads.txt')
    path = write_config(folder / 'config.py', config)
    assert train(path, folder / 'run') == 0, output(folder / 'run')
    curve = loss_curve(folder / 'run')
    assert sorted(curve) == list(range(1, ITERATIONS + 1))
    assert len({terms['loss'] for terms in curve.values()}) == ITERATIONS  # a constant curve would prove nothing
    return config, folder / 'run', (folder / 'reads.txt').read_text().split()


def with_read_log(config, path):
    config['train_dataloader']['dataset']['log'] = str(path)
    return config


def with_workers(config, number):
    loader = dict(config['train_dataloader'], num_workers=number, persistent_workers=number > 0)
    return dict(config, train_dataloader=loader)


def assert_same(left, right, where=''):
    """Every tensor and number of two nested containers is equal to the bit."""
    assert type(left) is type(right), where
    if isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            assert_same(left[key], right[key], f'{where}.{key}')
    elif isinstance(left, (list, tuple)):
        assert len(left) == len(right), where
        for index, pair in enumerate(zip(left, right)):
            assert_same(*pair, f'{where}[{index}]')
    elif isinstance(left, torch.Tensor):
        assert torch.equal(left, right), where
    else:
        assert left == right, where


def assert_same_run(run, reference):
    """The loss curves agree to the last bit, and so do weights, EMA, momentum buffers and schedulers at the end."""
    assert loss_curve(run) == loss_curve(reference)
    ends = [load_weights_only(str(folder / f'iter_{ITERATIONS}.pth')) for folder in (run, reference)]
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert ends[0][part], part
        assert_same(ends[0][part], ends[1][part], part)


@pytest.mark.parametrize('workers', [pytest.param(0, marks=SLOW), 2, pytest.param(4, marks=SLOW)])
def test_same_losses_run_to_run_for_any_number_of_workers(reference, workers, tmp_path):
    config, run, _ = reference
    path = write_config(tmp_path / 'config.py', with_workers(config, workers))
    assert train(path, tmp_path / 'run') == 0, output(tmp_path / 'run')
    assert_same_run(tmp_path / 'run', run)


@SLOW
def test_another_seed_gives_other_losses(reference, tmp_path):
    """Guards the test above: were the seed unused, it would pass for the wrong reason."""
    config, run, _ = reference
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'run', '--seed', '1') == 0
    assert loss_curve(tmp_path / 'run')[1]['loss'] != loss_curve(run)[1]['loss']


@SLOW
def test_validation_in_between_changes_nothing(reference, tmp_path):
    config, run, _ = reference
    changed = dict(config, train_cfg=dict(config['train_cfg'], val_interval=1))
    assert train(write_config(tmp_path / 'config.py', changed), tmp_path / 'run') == 0
    assert_same_run(tmp_path / 'run', run)


@pytest.mark.parametrize(
    ('kill', 'resumed_at'),
    [
        pytest.param('iteration:1', 0, marks=SLOW),  # before any checkpoint: the run starts anew
        ('iteration:3', 2),  # between checkpoints, right before a validation, which saves
        pytest.param('iteration:4', 4, marks=SLOW),  # right after one
        ('writing:iter_4.pth', 3),  # half of the bytes are written
        pytest.param('rename:iter_4.pth', 3, marks=SLOW),  # all are written, under the temporary name
        # the very first note is cut short: the checkpoint is found all the same
        pytest.param('writing:last_checkpoint', 2, marks=SLOW),
        pytest.param('rename:last_checkpoint', 2, marks=SLOW),
    ],
)
def test_kill_and_resume_goes_on_exactly(reference, kill, resumed_at, tmp_path):
    config, run, reads = reference
    path = write_config(tmp_path / 'config.py', with_read_log(dict(config), tmp_path / 'reads.txt'))
    assert train(path, tmp_path / 'run', kill=kill) == -signal.SIGKILL, output(tmp_path / 'run')
    (tmp_path / 'reads.txt').unlink()

    assert train(path, tmp_path / 'run', '--resume') == 0, output(tmp_path / 'run')
    assert (f'iter: {resumed_at}' in output(tmp_path / 'run')) == (resumed_at > 0)
    assert_same_run(tmp_path / 'run', run)
    # exactly the draws that were not consumed yet, each once
    assert (tmp_path / 'reads.txt').read_text().split() == reads[2 * resumed_at :]
    assert not list((tmp_path / 'run').glob('*.partial'))


@SLOW
def test_resume_with_workers_reads_nothing_again(reference, tmp_path):
    """Workers run ahead of training, but never start behind it."""
    config, run, reads = reference
    config = with_workers(with_read_log(dict(config), tmp_path / 'reads.txt'), 2)
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'run', kill='iteration:5') == -signal.SIGKILL
    (tmp_path / 'reads.txt').unlink()
    assert train(path, tmp_path / 'run', '--resume') == 0, output(tmp_path / 'run')
    assert_same_run(tmp_path / 'run', run)
    again = set((tmp_path / 'reads.txt').read_text().split())
    assert again >= set(reads[8:])
    assert not again & set(reads[:8])


def test_resume_from_a_file(reference, tmp_path):
    config, run, _ = reference
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'run', '--resume', str(run / 'iter_4.pth')) == 0, output(tmp_path / 'run')
    assert {5: loss_curve(run)[5], 6: loss_curve(run)[6]} == loss_curve(tmp_path / 'run')


@SLOW  # the contracts resume every method from a checkpoint, without a runner
@pytest.mark.parametrize('method', ['Supervised', 'CPCL', 'DUEB'])
def test_every_method_goes_on_exactly(data, method, tmp_path):
    config = toy_config(data, model=toy_model(method), custom_hooks=STUDENT_ONLY)
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'whole') == 0, output(tmp_path / 'whole')
    assert train(path, tmp_path / 'killed', kill='iteration:3') == -signal.SIGKILL
    assert train(path, tmp_path / 'killed', '--resume') == 0, output(tmp_path / 'killed')
    assert_same_run(tmp_path / 'killed', tmp_path / 'whole')


@SLOW  # test_partial_gradients.py has what a checkpoint keeps, by hand
def test_gradient_accumulation_goes_on_exactly(data, tmp_path):
    """Steps come after iterations 3 and 6, checkpoints after 2, 4, 6: the ones at 2 and 4 hold pending gradients.

    Without them (the last block) the resumed run differs, as mmengine's own does.
    """
    config = toy_config(data)
    config['optim_wrapper']['accumulative_counts'] = 3
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'whole') == 0, output(tmp_path / 'whole')
    assert train(path, tmp_path / 'killed', kill='iteration:5') == -signal.SIGKILL
    assert train(path, tmp_path / 'killed', '--resume') == 0, output(tmp_path / 'killed')
    assert_same_run(tmp_path / 'killed', tmp_path / 'whole')

    checkpoint = load_weights_only(str(tmp_path / 'whole' / 'iter_4.pth'))
    assert 'partial_gradients' not in load_weights_only(str(tmp_path / 'whole' / 'iter_6.pth'))
    assert any(gradient.abs().sum() > 0 for gradient in checkpoint.pop('partial_gradients').values())
    torch.save(checkpoint, tmp_path / 'without.pth')
    assert train(path, tmp_path / 'without', '--resume', str(tmp_path / 'without.pth')) == 0
    ends = [load_weights_only(str(tmp_path / name / 'iter_6.pth'))['state_dict'] for name in ('without', 'whole')]
    assert any(not torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@SLOW
def test_the_hosts_hook_is_what_the_kill_spoils(data, tmp_path):
    """Guards the kill tests: with mmengine's own hook the same kill leaves half a checkpoint under its final name."""
    config = toy_config(data)
    config['default_hooks']['checkpoint']['type'] = 'HostsCheckpointHook'
    path = write_config(tmp_path / 'config.py', config)
    assert train(path, tmp_path / 'run', kill='writing:iter_4.pth') == -signal.SIGKILL
    assert (tmp_path / 'run' / 'iter_4.pth').is_file()
    assert not is_complete(tmp_path / 'run' / 'iter_4.pth')
