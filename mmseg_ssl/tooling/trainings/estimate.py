"""Estimate of the time that the rest of a plan takes, from the measurements so far."""

import math
import statistics
from typing import Dict, List, NamedTuple, Sequence, Set, Tuple

from .job import Job, logged_progress
from .provenance import read_processes


class Pace(NamedTuple):
    """Measurements of this machine."""

    iteration: Dict[str, float]  # training -> seconds per iteration of one process
    test: float  # seconds that a test takes


class Estimate(NamedTuple):
    """The work that is left."""

    seconds: float  # of one process
    unmeasured: int  # jobs of trainings without any measurement, which count with the mean pace of the others
    longest: float  # of these seconds, those of one job, before which no number of processes ends

    def describe(self, processes: int) -> str:
        """Return the estimate in words, for a number of processes side by side."""
        if math.isnan(self.seconds):
            return 'no estimate before the first iterations'
        hours = self.seconds / 3600
        text = f'{hours:.2f} process hours left, {max(hours / processes, self.longest / 3600):.2f} h on {processes}'
        guessed = f', {self.unmeasured} of the jobs at the mean pace of the others' if self.unmeasured else ''
        return text + guessed


def measure_pace(jobs: Sequence[Job]) -> Pace:
    """Measure the time per iteration: by the clock for finished trainings, by the last log for others.

    Args:
        jobs: All jobs of the plan; those without a work dir on this machine do not count.

    Returns:
        Seconds per iteration of each training, the mean over its runs, with start, validation and saving if a run has
        ended; and the mean time of a test.
    """
    found: Dict[str, List[float]] = {}
    tests: List[float] = []
    for job in jobs:
        processes = read_processes(job.folder)
        trained = [process for process in processes if process['step'] == 'train']
        tests += [process['wall_seconds'] for process in processes if process['step'] == 'test' and not process['code']]
        if trained and trained[-1]['code'] == 0:
            found.setdefault(job.training, []).append(
                sum(process['wall_seconds'] for process in trained) / job.iterations
            )
    for job in jobs:
        seconds = None if job.training in found else logged_progress(job)[1]
        if seconds:
            found[job.training] = [seconds]
    return Pace({name: statistics.mean(values) for name, values in found.items()}, statistics.mean(tests or [0.0]))


def estimate(jobs: Sequence[Job], done: Set[str], progress: Dict[str, Tuple[int, bool]], pace: Pace) -> Estimate:
    """Estimate the time that is left of a plan.

    Args:
        jobs: All jobs of the plan.
        done: Names of the jobs that are finished or failed.
        progress: Name -> (iterations done, True if the training has ended) of the jobs that have begun.
        pace: The measurements.

    Returns:
        Iterations left x seconds per iteration, plus one test per job; NaN seconds without any measurement.
    """
    mean = statistics.mean(pace.iteration.values()) if pace.iteration else float('nan')
    seconds, unmeasured = [0.0], 0
    for job in jobs:
        if job.name in done:
            continue
        iterations, trained = progress.get(job.name, (0, False))
        left = 0 if trained else job.iterations - iterations
        unmeasured += left > 0 and job.training not in pace.iteration
        seconds.append(left * pace.iteration.get(job.training, mean) + pace.test if left else pace.test)
    return Estimate(sum(seconds), unmeasured, max(seconds))
