"""A signal, a dead process, a second run: what a job does about them, and how it goes on."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import toy_parts  # noqa: F401  (registers its hooks)
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from toy_process import ROOT, loss_curve, output, train, train_ranks
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.engine import find_resumable, lock_run, release_run, stop_on_signals, use_safe_checkpoints
from mmseg_ssl.engine.stop_request import stop_requested
from mmseg_ssl.tooling.cli import UserError

SLOW = pytest.mark.slow
EPOCHS = dict(
    train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1),
    param_scheduler=dict(type='PolyLR', eta_min=0.01, begin=0, end=2, by_epoch=True, convert_to_iter_based=True),
    log_processor=dict(by_epoch=True, window_size=1),
    default_hooks=dict(
        logger=dict(type='LoggerHook', interval=1),
        checkpoint=dict(type='SafeCheckpointHook', by_epoch=True, interval=1),
    ),
)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp('toy') / 'data')


def same_end(left, right, name='iter_6.pth'):
    ends = [load_weights_only(str(folder / name))['state_dict'] for folder in (left, right)]
    return ends[0].keys() == ends[1].keys() and all(ends[0][key].equal(ends[1][key]) for key in ends[0])


def names(folder, pattern='*.pth'):
    return sorted(path.name for path in folder.glob(pattern))


class TestSignals:
    def test_the_first_is_a_request_and_the_second_ends_the_process(self):
        acts = ['from stop_request import stop_on_signals', 'import os, signal, time']
        acts += ['with stop_on_signals(lambda: print("last act", flush=True)):']
        acts += [f'  os.kill(os.getpid(), signal.{name}); time.sleep(1.1)' for name in ('SIGUSR1', 'SIGTERM')]
        done = subprocess.run(
            [sys.executable, '-c', '\n'.join(acts)], cwd=ROOT / 'mmseg_ssl/engine', capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (143, 'last act\n')

    def test_one_request_may_come_from_several_sides(self):
        former = signal.getsignal(signal.SIGTERM)
        with stop_on_signals():
            assert not stop_requested()
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGTERM)
            assert stop_requested()
        assert not stop_requested()
        assert signal.getsignal(signal.SIGTERM) is former

    def test_outside_of_the_main_thread_nobody_listens(self):
        seen = []

        def listen():
            with stop_on_signals():
                seen.append(signal.getsignal(signal.SIGTERM))

        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
        assert seen == [signal.getsignal(signal.SIGTERM)]


class TestLock:
    def lock(self, folder, **owner):
        here = dict(host=socket.gethostname(), namespace=os.readlink('/proc/self/ns/pid'), pid=os.getppid())
        (folder / 'run.lock').write_text(json.dumps(dict(here, started='today', **owner) | owner))

    def test_another_run_is_named(self, tmp_path):
        self.lock(tmp_path)
        with pytest.raises(UserError, match=f'process {os.getppid()} on {socket.gethostname()}, since today'):
            lock_run(tmp_path)
        assert (tmp_path / 'run.lock').exists()

    @pytest.mark.parametrize('owner', [dict(host='elsewhere'), dict(namespace='pid:[1]')])
    def test_on_another_host_its_sign_of_life_decides(self, tmp_path, owner):
        self.lock(tmp_path, pid=2**22 + 1, **owner)  # no such process here, but it is not from here
        with pytest.raises(UserError, match='another run'):
            lock_run(tmp_path)
        long_ago = time.time() - 200
        os.utime(tmp_path / 'run.lock', (long_ago, long_ago))
        lock_run(tmp_path)
        release_run(tmp_path)

    def test_a_dead_run_is_taken_over(self, tmp_path):
        self.lock(tmp_path, pid=2**22 + 1)
        lock_run(tmp_path)
        assert json.loads((tmp_path / 'run.lock').read_text())['pid'] == os.getpid()
        lock_run(tmp_path)  # its own
        release_run(tmp_path)
        assert names(tmp_path, '*') == []

    def test_a_file_that_is_being_written_or_is_garbage_is_somebodys(self, tmp_path):
        (tmp_path / 'run.lock').write_text('{"pid"')
        with pytest.raises(UserError, match='another run'):
            lock_run(tmp_path)

    def test_only_the_own_lock_is_released(self, tmp_path):
        lock_run(tmp_path)
        self.lock(tmp_path)
        release_run(tmp_path)
        assert (tmp_path / 'run.lock').exists()


def test_sigterm_saves_and_the_run_goes_on_exactly(data, tmp_path):
    """In iteration 5, between checkpoints: iter_5.pth is there and goes when the run's last one is."""
    path, run = write_config(tmp_path / 'config.py', toy_config(data)), tmp_path / 'run'
    assert train(path, tmp_path / 'whole') == 0, output(tmp_path / 'whole')
    assert train(path, run, kill='term:5') == 143, output(run)
    assert names(run) == ['iter_2.pth', 'iter_4.pth', 'iter_5.pth']
    assert not (run / 'run.lock').exists()
    assert 'Traceback' not in output(run)
    assert train(path, run, '--resume') == 0, output(run)
    assert 'last_validation' not in output(run)  # mmengine logs what begins with 'val'
    assert loss_curve(run) == loss_curve(tmp_path / 'whole')
    assert same_end(run, tmp_path / 'whole')
    assert names(run) == ['iter_2.pth', 'iter_4.pth', 'iter_6.pth'] == names(tmp_path / 'whole')


@pytest.mark.parametrize('kind', ['CheckpointHook', 'mmengine.CheckpointHook', CheckpointHook])
def test_safe_checkpoints_take_the_place_of_the_hosts(kind):
    given = dict(interval=7, max_keep_ckpts=3, by_epoch=False)
    cfg = Config(dict(default_hooks=dict(checkpoint=given)))
    cfg.default_hooks.checkpoint.type = kind
    assert use_safe_checkpoints(cfg)
    assert cfg.default_hooks.checkpoint == dict(given, type='SafeCheckpointHook')
    bare = Config({})
    assert use_safe_checkpoints(bare)
    assert bare.default_hooks.checkpoint == dict(type='SafeCheckpointHook', interval=1)  # the host's own is so


@pytest.mark.parametrize('hook', [None, dict(type='HostsCheckpointHook', interval=2)])
def test_a_run_that_cannot_save_ends_on_a_signal(hook):
    cfg = Config(dict(default_hooks=dict(checkpoint=hook), custom_hooks=[dict(type='SeedHook')]))
    assert not use_safe_checkpoints(cfg)
    assert cfg.default_hooks.checkpoint == hook
    cfg.custom_hooks.append(dict(type='SafeCheckpointHook'))
    assert use_safe_checkpoints(cfg)


@SLOW
@pytest.mark.parametrize(
    ('hook', 'code'), [(dict(type='CheckpointHook', by_epoch=False, interval=2), 143), (None, -15)]
)
def test_no_config_swallows_a_signal(data, tmp_path, hook, code):
    """mmsegmentation's configs have the host's hook, which looks at no signal: the run went on to its end."""
    config = toy_config(data)
    config['default_hooks']['checkpoint'] = hook
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run, kill='term:5') == code, output(run)
    assert names(run) == ([] if hook is None else ['iter_2.pth', 'iter_4.pth', 'iter_5.pth'])


@SLOW
def test_sigterm_in_a_validation_repeats_it(data, tmp_path):
    path, run = write_config(tmp_path / 'config.py', toy_config(data)), tmp_path / 'run'
    assert train(path, run, kill='val:6') == 143, output(run)
    assert output(run).count('Validation at') == 1  # that of iteration 3
    assert train(path, run, '--resume') == 0, output(run)
    assert output(run).count('Validation at') == 1


@SLOW
def test_checkpoints_by_time_keep_one(data, tmp_path):
    """Every iteration is late: there is always the last one, alone."""
    config = toy_config(data)
    config['default_hooks']['checkpoint'].update(minutes=1e-9, interval=1000)
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run, kill='iteration:5') == -signal.SIGKILL
    assert names(run) == ['iter_5.pth']
    assert train(path, run, '--resume') == 0, output(run)
    assert names(run) == ['iter_6.pth']


@SLOW
def test_epochs_end_validate_and_resume_within(data, tmp_path):
    """6 labeled images, 9 unlabeled ones, two of them a draw: 6 draws are an epoch, 3 iterations of batch 2."""
    path, run = write_config(tmp_path / 'config.py', toy_config(data, **EPOCHS)), tmp_path / 'run'
    assert train(path, tmp_path / 'whole') == 0, output(tmp_path / 'whole')
    assert names(tmp_path / 'whole') == ['epoch_1.pth', 'epoch_2.pth']
    assert output(tmp_path / 'whole').count('Validation at') == 2
    curve = loss_curve(tmp_path / 'whole')
    assert sorted(curve) == [1, 2, 3, 4, 5, 6]
    iterations = loss_curve_of_iterations(data, tmp_path)
    assert [curve[step]['loss'] for step in (1, 2, 3)] == [iterations[step]['loss'] for step in (1, 2, 3)]

    assert train(path, run, kill='term:5') == 143, output(run)
    assert names(run) == ['epoch_1.pth', 'epoch_1_iter_5.pth']
    assert find_resumable(run).name == 'epoch_1_iter_5.pth'
    assert train(path, run, '--resume') == 0, output(run)
    assert loss_curve(run) == curve
    assert same_end(run, tmp_path / 'whole', 'epoch_2.pth')
    assert names(run) == ['epoch_1.pth', 'epoch_2.pth']


def loss_curve_of_iterations(data, folder):
    """The same stream counted in iterations: the first epoch's rates are the same with this schedule."""
    config = toy_config(data, param_scheduler=dict(EPOCHS['param_scheduler'], end=6, by_epoch=False))
    del config['param_scheduler']['convert_to_iter_based']
    assert train(write_config(folder / 'iterations.py', config), folder / 'iterations') == 0
    return loss_curve(folder / 'iterations')


@SLOW
def test_two_ranks_with_batchnorm_go_on_exactly(data, tmp_path):
    """Each rank has running statistics of its own, and its teacher uses them; how often they validate is no matter."""
    config = toy_config(data)
    config['train_dataloader']['batch_size'] = 1
    path, run, whole = write_config(tmp_path / 'config.py', config), tmp_path / 'run', tmp_path / 'whole'
    assert train_ranks(path, whole, '--cfg-options', 'train_cfg.val_interval=1') == [0, 0], output(whole)
    # only one of them hears the signal; both stop after the same iteration
    assert train_ranks(path, run, kills=(None, 'term:4')) == [143, 143], output(run)
    assert 'rank_buffers' in load_weights_only(str(run / 'iter_4.pth'))
    assert train_ranks(path, run, '--resume') == [0, 0], output(run)
    assert loss_curve(run) == loss_curve(whole)
    assert same_end(run, whole)
    buffers = [load_weights_only(str(folder / 'iter_6.pth'))['rank_buffers'] for folder in (run, whole)]
    assert any('teacher' in name for name in buffers[0])
    assert all(buffers[0][name].equal(buffers[1][name]) for name in buffers[1])
    # one process, which has the saved network alone, validates the end again: both ranks had validated that network
    scores = re.findall(r'mIoU (\d\S+)', output(run))
    assert train(path, run, '--resume') == 0, output(run)
    assert re.findall(r'mIoU (\d\S+)', output(run)) == scores[-1:]


@SLOW
@pytest.mark.parametrize(('kill', 'says'), [('freeze:4', 'gave no sign of life'), ('iteration:4', 'lost each other')])
def test_a_dead_process_ends_the_others(data, tmp_path, kill, says):
    """Frozen as a machine that is switched off, or killed, which closes its connections."""
    config = toy_config(data)
    config['train_dataloader']['batch_size'] = 1
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    start = time.monotonic()
    codes = train_ranks(path, run, kills=(None, kill))
    assert codes[1] == -signal.SIGKILL
    assert codes[0] in (1, 2), output(run)
    assert time.monotonic() - start < 45
    assert says in output(run)
    assert 'GLOO_SOCKET_IFNAME' in output(run)
    assert not (run / 'run.lock').exists()
