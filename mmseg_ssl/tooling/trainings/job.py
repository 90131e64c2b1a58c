"""One training of a plan: its identity, its work dir, and its commands."""

import sys
import time
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from ...engine.resume import is_complete, numbered_checkpoints
from ...engine.run_lock import STALE_SECONDS
from ...utils.json_lines import read_json_lines
from ...utils.project_files import PROJECT, TOOLS
from .provenance import read_processes

LOG = 'output.txt'
STOPPED_CODES = (143, -15, -9)
"""Exit codes that are not failures: saved and stopped; ended by SIGTERM, as a test is; killed."""


def training_name(config: str, variant: str) -> str:
    """Return the name of config and variant, which share a pace and a row: ``dueb_mbv2_msrc21_20+control``."""
    return Path(config).stem + (f'+{variant}' if variant else '')


def job_name(config: str, variant: str, split: str, seed: int) -> str:
    """Return the name of a job in progress, errors and ``--only``."""
    return f'{training_name(config, variant)} {split} seed {seed}'


class Job(NamedTuple):
    """A config with its changes, a list and a seed, and the config's settings of the run."""

    config: str  # path, as on the command line
    variant: str  # names of the plan's variants, 'control'; '' for the config as it is
    options: Tuple[str, ...]  # KEY=VALUE of --cfg-options
    split: str  # list of labeled images
    seed: int
    iterations: int
    networks: Tuple[str, ...]  # all of the method, the one that inference uses first
    digest: str  # of everything above and the list's content
    folder: Path  # work dir
    first: Optional[Path] = None  # a checkpoint that has to be there before
    preparation: Tuple[str, ...] = ()  # a tool and its words, run between that one and the training

    @property
    def training(self) -> str:
        """See :func:`training_name`."""
        return training_name(self.config, self.variant)

    @property
    def name(self) -> str:
        """See :func:`job_name`."""
        return job_name(self.config, self.variant, self.split, self.seed)

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that is tested: the last of the training."""
        return self.folder / f'iter_{self.iterations}.pth'

    def command(self, step: str) -> List[str]:
        """Return the command line of a step, ``'prepare'``, ``'train'`` or ``'test'``; it also works by hand."""
        if step == 'prepare':
            return [sys.executable, str(PROJECT / self.preparation[0]), *self.preparation[1:]]
        chosen = [f'train_dataloader.dataset.split={self.split}', f'randomness.seed={self.seed}', *self.options]
        if step == 'train':
            words = ['--work-dir', str(self.folder), *(['--resume'] if self.saved_iterations else [])]
        else:
            words = [str(self.checkpoint), '--work-dir', str(self.folder / 'test'), '--val', '--predict-on']
            words += self.networks
        return [sys.executable, str(TOOLS / f'{step}.py'), self.config, *words, '--cfg-options', *chosen]

    @property
    def prepared(self) -> Path:
        """A file that exists once the preparation has ended."""
        return self.folder / 'prepared.txt'

    @property
    def saved_iterations(self) -> int:
        """Iterations of the newest complete checkpoint, 0 without one."""
        newest = next(filter(is_complete, numbered_checkpoints(self.folder)), None)
        return int(newest.stem.rpartition('_')[2]) if newest else 0


def next_step(job: Job, recorded: bool) -> Optional[str]:
    """Return what a job needs next: ``'prepare'``, ``'train'``, ``'test'``, or None if it is done.

    Args:
        job: The job.
        recorded: True if the records hold it.
    """
    if recorded:
        return None
    if is_complete(job.checkpoint):
        return 'test'
    return 'prepare' if job.preparation and not job.prepared.is_file() else 'train'


def is_ready(job: Job, recorded: bool) -> bool:
    """Check if the files that a job needs exist.

    Args:
        job: The job.
        recorded: True if the records hold it; then it needs nothing.
    """
    return recorded or job.first is None or job.first.is_file()


def state_of(job: Job, recorded: bool) -> str:
    """Return the state of a job in words: done, running, trained, failed, interrupted or open.

    Args:
        job: The job.
        recorded: True if the records hold it.
    """
    if recorded:
        return 'done'
    lock = job.folder / 'run.lock'
    if lock.is_file() and time.time() - lock.stat().st_mtime < STALE_SECONDS:
        return f'running, {logged_progress(job)[0]} of {job.iterations} iterations'
    if is_complete(job.checkpoint):
        return 'trained, not yet tested'
    processes, saved = read_processes(job.folder), job.saved_iterations
    if processes and processes[-1]['code'] not in (0, *STOPPED_CODES):
        return f'failed, see {job.folder / LOG}'
    return f'interrupted, {saved} of {job.iterations} iterations' if saved else 'open'


def logged_progress(job: Job) -> Tuple[int, Optional[float]]:
    """Return iterations and seconds per iteration of a running training, from the log of its last process.

    Args:
        job: The job.

    Returns:
        Iterations since the training began, 0 if none is logged; seconds, or None.
    """
    logs = sorted(job.folder.glob('*/vis_data/scalars.json'))
    steps = [entry for entry in read_json_lines(logs[-1]) if 'loss' in entry] if logs else []
    times = [entry['time'] for entry in steps if 'time' in entry]
    return (int(steps[-1]['step']) if steps else 0), (sum(times) / len(times) if times else None)
