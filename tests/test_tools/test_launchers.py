"""The shell scripts: what they hand to torchrun and srun, as in OpenMMLab."""

import os
import socket
import subprocess

import pytest
import torch
from toy_process import ROOT, loss_curve
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.compat import load_weights_only

TOOLS = ROOT / 'tools'


@pytest.fixture
def echo(tmp_path):
    """A program that prints its arguments, one per line, and its PYTHONPATH."""
    program = tmp_path / 'srun'
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\necho "PYTHONPATH=$PYTHONPATH"\n')
    program.chmod(0o755)
    return program


def call(script, *args, **env):
    done = subprocess.run(
        ['bash', str(TOOLS / script), *args], env=dict(os.environ, **env), capture_output=True, text=True, timeout=280
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(('script', 'files'), [('dist_train.sh', ['c.py']), ('dist_test.sh', ['c.py', 'a b.pth'])])
def test_torchrun_gets_the_machines(echo, script, files):
    options = ['--cfg-options', 'a=b c']
    code, lines, _ = call(
        script, *files, '8', *options, PYTHON=str(echo), NNODES='2', NODE_RANK='1', MASTER_ADDR='10.0.0.7', PORT='1234'
    )
    assert code == 0
    assert lines[:7] == [
        '-m',
        'torch.distributed.run',
        '--nnodes=2',
        '--node_rank=1',
        '--master_addr=10.0.0.7',
        '--master_port=1234',
        '--nproc_per_node=8',
    ]
    assert lines[7] == '--rdzv_conf=timeout=300'
    assert lines[8].endswith(script.split('_')[1].replace('.sh', '.py'))
    assert lines[9:-1] == [*files, '--launcher', 'pytorch', *options]  # words with blanks stay whole
    assert lines[-1].startswith(f'PYTHONPATH={TOOLS}/..')


def test_one_machine_is_the_default(echo):
    _, lines, _ = call('dist_train.sh', 'c.py', '2', PYTHON=str(echo))
    assert lines[2:6] == ['--nnodes=1', '--node_rank=0', '--master_addr=127.0.0.1', '--master_port=29500']


@pytest.mark.parametrize(('script', 'files'), [('slurm_train.sh', ['c.py']), ('slurm_test.sh', ['c.py', 'a.pth'])])
def test_srun_gets_the_tasks(echo, script, files):
    path = f'{echo.parent}:{os.environ["PATH"]}'
    code, lines, _ = call(
        script, 'gpu', 'job', *files, '--seed', '1', PATH=path, GPUS='16', SRUN_ARGS='--time 1:00 --mem 8G'
    )
    assert code == 0
    for option in ('--partition=gpu', '--job-name=job', '--gres=gpu:8', '--ntasks=16', '--ntasks-per-node=8'):
        assert option in lines
    assert lines[lines.index('--time') : lines.index('python')] == ['--time', '1:00', '--mem', '8G']
    assert lines[-len(files) - 5 : -1] == [*files, '--launcher', 'slurm', '--seed', '1']


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'])
def test_too_few_arguments_show_the_usage(script):
    code, _, stderr = call(script, 'one')
    assert code == 2
    assert f'tools/{script}' in stderr


def test_a_taken_port_says_which_to_set(echo):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, lines, stderr = call('dist_train.sh', 'c.py', '2', PYTHON=str(echo), PORT=str(port))
        assert (code, lines) == (2, [])
        assert f'PORT={port + 1}' in stderr
        # it is node 0 that listens there
        code, _, _ = call('dist_train.sh', 'c.py', '2', PYTHON=str(echo), PORT=str(port), NNODES='2', NODE_RANK='1')
        assert code == 0


def test_a_master_without_an_address(echo):
    code, lines, stderr = call('dist_train.sh', 'c.py', '2', PYTHON=str(echo), MASTER_ADDR='no-such-host.invalid')
    assert (code, lines) == (2, [])
    assert 'MASTER_ADDR=no-such-host.invalid' in stderr


def test_exit_code_of_the_launcher(tmp_path):
    """That of torchrun; 143 where a signal came, which is handed on."""
    program = tmp_path / 'python'
    program.write_text('#!/bin/sh\ntrap "echo told; exit 1" TERM\necho up\n[ "$SLEEP" ] || exit 7\nsleep 20 & wait\n')
    program.chmod(0o755)
    assert call('dist_train.sh', 'c.py', '2', PYTHON=str(program))[0] == 7
    process = subprocess.Popen(
        ['bash', str(TOOLS / 'dist_train.sh'), 'c.py', '2'],
        env=dict(os.environ, PYTHON=str(program), SLEEP='1'),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'up\n'
    process.terminate()
    assert process.wait(10) == 143
    assert 'told' in process.stdout.readline()


@pytest.mark.slow
def test_two_processes_train(tmp_path):
    """dist_train.sh for real: two processes on this machine's CPU; both take part, one writes."""
    config = toy_config(draw_images(tmp_path / 'data'))
    config['train_dataloader']['batch_size'] = 1
    path = write_config(tmp_path / 'config.py', config)
    paths = os.pathsep.join([str(ROOT / 'tests'), os.environ.get('PYTHONPATH', '')])
    run = str(tmp_path / 'run')
    env = dict(PYTHONPATH=paths, PORT='29571', OMP_NUM_THREADS='1', PYTHON=os.sys.executable)
    code, _, stderr = call('dist_train.sh', str(path), '2', '--work-dir', run, **env)
    assert code == 0, stderr[-3000:]
    assert sorted(loss_curve(tmp_path / 'run')) == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / 'run' / 'iter_6.pth').is_file()


@pytest.mark.slow
def test_a_lost_process_starts_again(tmp_path):
    """torchrun's c10d rendezvous, as in docs/scaling.md: after iteration 5 one of two processes is killed; both start
    again, continue from the checkpoint of iteration 4, and end where a run without an accident does."""
    config = toy_config(draw_images(tmp_path / 'data'))
    config['train_dataloader']['batch_size'] = 1
    paths = os.pathsep.join([str(ROOT), str(ROOT / 'tests'), os.environ.get('PYTHONPATH', '')])
    env = dict(os.environ, PYTHONPATH=paths, OMP_NUM_THREADS='1', PEER_TIMEOUT='10')
    # else both starts share one store, in which the second finds the addresses of the first
    env['TORCH_DISABLE_SHARE_RDZV_TCP_STORE'] = '1'
    launch = [os.sys.executable, '-m', 'torch.distributed.run', '--nnodes=1', '--nproc_per_node=2', '--max-restarts=1']
    launch += ['--rdzv-backend=c10d', '--rdzv-endpoint=127.0.0.1:0', '--rdzv-id=job', str(TOOLS / 'train.py')]
    ends = []
    for name in ('whole', 'lost'):
        if name == 'lost':
            config['custom_hooks'] = [*config['custom_hooks'], dict(type='DieOnce', iteration=5, rank=1)]
        path, run = write_config(tmp_path / f'{name}.py', config), tmp_path / name
        line = [*launch, str(path), '--work-dir', str(run), '--launcher', 'pytorch', '--resume']
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr[-3000:]
        ends.append(load_weights_only(str(run / 'iter_6.pth'))['state_dict'])
    assert 'Resuming from' in done.stdout + done.stderr
    assert loss_curve(tmp_path / 'lost') == loss_curve(tmp_path / 'whole')
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())
