"""Trainings in processes of their own, which may be killed at a chosen moment.

They go through ``tools/train.py`` or ``tools/test.py`` and are forked from one server that has imported everything, so
that a test pays the import only once.
"""

import builtins
import json
import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import torch
from load_tool import load_tool

ROOT = Path(__file__).resolve().parents[1]


class _HalfWriter:
    """A file that writes half of the first bytes it is given; then its process is killed."""

    def __init__(self, file) -> None:
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.file.close()

    def write(self, content) -> None:
        self.file.write(content[: len(content) // 2])
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


def _signal_before(kind: int, hook: str, number: int) -> None:
    from mmengine.runner import Runner

    true_call = Runner.call_hook

    def call_hook(self, name, **kwargs):
        if name == hook and self.iter + (hook == 'before_train_iter') == number:
            os.kill(os.getpid(), kind)
        true_call(self, name, **kwargs)

    Runner.call_hook = call_hook


def _terminate_in_iteration(number: str) -> None:
    _signal_before(signal.SIGTERM, 'before_train_iter', int(number))


def _terminate_in_validation(number: str) -> None:
    _signal_before(signal.SIGTERM, 'before_val_iter', int(number))


def _freeze_in_iteration(number: str) -> None:
    _signal_before(signal.SIGSTOP, 'before_train_iter', int(number))


KILLS = dict(
    writing=_kill_while_writing,
    rename=_kill_before_rename,
    iteration=_kill_after_iteration,
    term=_terminate_in_iteration,
    val=_terminate_in_validation,
    freeze=_freeze_in_iteration,
)


def _run_tool(tool: str, argv: List[str], kill: Optional[str], output: str, env: Optional[dict] = None) -> None:
    """Run a tool in this process, which will be killed at ``kill = '<when>:<what>'``."""
    os.environ.update(env or {})
    with open(output, 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    torch.set_num_threads(1)
    if kill:
        when, what = kill.split(':')
        KILLS[when](what)
    module = load_tool(tool)
    with module.readable_errors():
        module.main(argv)


def server() -> multiprocessing.context.BaseContext:
    """Get the context whose server imports everything once."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / 'tests')])
    if paths not in os.environ.get('PYTHONPATH', ''):
        os.environ['PYTHONPATH'] = os.pathsep.join([paths, os.environ.get('PYTHONPATH', '')])
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['toy_server'])
    return context


def run_tool(tool: str, argv: Sequence, kill: Optional[str] = None) -> int:
    """Run a tool in a process of its own.

    Args:
        tool: ``'train'`` or ``'test'``.
        argv: Its command line, ``--work-dir`` included; what it prints goes to ``<work dir>.txt``.
        kill: ``'writing:<file>'``, ``'rename:<file>'`` or ``'iteration:<n>'``: where the process gets SIGKILL;
            ``'term:<n>'`` or ``'val:<n>'``: the iteration, or the validation after it, in which it gets SIGTERM.

    Returns:
        Its exit code; minus the signal if it was killed.
    """
    process = _start(tool, argv, kill)
    process.join(250)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


def _start(tool: str, argv: Sequence, kill: Optional[str], rank: Optional[int] = None, env: Optional[dict] = None):
    line = [str(word) for word in argv]
    text = line[line.index('--work-dir') + 1] + (f'.{rank}.txt' if rank else '.txt')
    process = server().Process(target=_run_tool, args=(tool, line, kill, text, env))
    process.start()
    return process


def train_ranks(
    config: Path, work_dir: Path, *argv: str, kills: Sequence[Optional[str]] = (None, None), seconds: int = 60
) -> List[int]:
    """Run ``tools/train.py`` in several processes of one job, each with what kills it, for some seconds at most.

    Returns:
        Their exit codes; minus the signal for those that were killed.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    line = [config, '--work-dir', work_dir, '--launcher', 'pytorch', *argv]
    size = str(len(kills))
    processes = []
    for rank, kill in enumerate(kills):
        env = dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
        env.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), PEER_TIMEOUT='4')
        processes.append(_start('train', line, kill, rank, env))
    for process in processes:
        process.join(seconds if 'freeze' not in str(kills) or process is processes[0] else 0)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def train(config: Path, work_dir: Path, *argv: str, kill: Optional[str] = None) -> int:
    """Run ``tools/train.py`` by :func:`run_tool`."""
    return run_tool('train', [config, '--work-dir', work_dir, *argv], kill)


def output(work_dir: Path) -> str:
    """Read what the last run in a folder printed."""
    return Path(f'{work_dir}.txt').read_text()


def log_text(work_dir: Path) -> str:
    """Read the log files of a folder, which say more than its console."""
    return ''.join(path.read_text() for path in sorted(work_dir.glob('*/*.log')))


def loss_curve(work_dir: Path) -> Dict[int, Dict[str, float]]:
    """Read the losses from a run's own json logs: iteration -> every logged term; of a later log where two overlap."""
    curve = {}
    for log in sorted(work_dir.glob('*/vis_data/*_*.json')):
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if 'loss' in record:
                curve[record['step']] = {
                    key: value for key, value in record.items() if key not in ('time', 'data_time', 'memory')
                }
    return curve
