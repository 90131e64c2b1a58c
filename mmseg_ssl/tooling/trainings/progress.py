"""Progress of a plan, in readable lines."""

import sys
import time
from typing import AbstractSet, Dict, List, Sequence, Set, Tuple

from .estimate import Estimate, estimate, measure_pace
from .job import Job, logged_progress, state_of
from .side_by_side import SideBySide

SHOWN_SECONDS = 60.0
"""Time between two lines of progress; in a terminal the line is written over more often."""


class Progress:
    """One line on the state of a benchmark, now and then.

    Args:
        jobs: All of the plan.
        recorded: Digests of the jobs that the records hold; the caller adds to it.
    """

    def __init__(self, jobs: Sequence[Job], recorded: Set[str]) -> None:
        self.jobs, self.recorded = list(jobs), recorded
        # Of what was begun before. Reading checkpoints takes a while, so it is done once.
        self.begun: Dict[str, Tuple[int, bool]] = {}
        for job in self.jobs:
            if job.digest not in recorded and job.folder.is_dir():
                saved = job.saved_iterations
                self.begun[job.name] = (saved, saved >= job.iterations)
        self.next, self.shown = 0.0, ''

    def __call__(self, crew: SideBySide) -> None:
        """Show the line if it is time to do so."""
        if time.monotonic() < self.next:
            return
        terminal = sys.stdout.isatty()
        self.next = time.monotonic() + SHOWN_SECONDS / (12 if terminal else 1)
        line = self.shown = self.line(crew)
        print(f'\r\033[K{line}' if terminal else line, end='' if terminal else '\n', flush=True)

    def tell(self, line: str) -> None:
        """Show a line about an event; the next line of progress follows immediately."""
        print(f'\r\033[K{line}' if sys.stdout.isatty() else line, flush=True)
        self.next = 0.0

    def end(self, crew: SideBySide) -> None:
        """Show the final state, unless it was shown last."""
        line = self.line(crew)
        if line != self.shown or sys.stdout.isatty():
            self.tell(line)

    def line(self, crew: SideBySide) -> str:
        """Return ``12/48 done, 1 failed; a 300/1200, b tests; 5.1 process hours left, 2.6 h on 2``."""
        failed = {failure.job.name for failure in crew.failures}
        parts = []
        for running in crew.running.values():
            iterations = max(logged_progress(running.job)[0], self.begun.get(running.job.name, (0, False))[0])
            self.begun[running.job.name] = (iterations, running.step == 'test')
            far = f'{iterations}/{running.job.iterations}' if running.step == 'train' else running.step
            parts.append(f'{running.job.training} {far}')
        done = sum(job.digest in self.recorded for job in self.jobs)
        counts = f'{done}/{len(self.jobs)} done' + (f', {len(failed)} failed' if failed else '')
        return '; '.join([counts, *parts, self.left(failed).describe(len(crew.free))])

    def left(self, failed: AbstractSet[str] = frozenset()) -> Estimate:
        """Estimate the work that is left, failed jobs not counted."""
        done = {job.name for job in self.jobs if job.digest in self.recorded} | set(failed)
        return estimate(self.jobs, done, self.begun, measure_pace(self.jobs))


def list_jobs(jobs: Sequence[Job], recorded: Set[str], processes: int) -> List[str]:
    """Return one line per job of a plan, and an estimate of the time that is left.

    Args:
        jobs: All jobs of the plan.
        recorded: Digests of the recorded jobs.
        processes: Number of processes that would run side by side.
    """
    states = [state_of(job, job.digest in recorded) for job in jobs]
    width = max(len(job.name) for job in jobs)
    counts: Dict[str, int] = {}
    for state in states:
        kind = state.split(',')[0]
        counts[kind] = counts.get(kind, 0) + 1
    lines = [f'{job.name:{width}}  {state}' for job, state in zip(jobs, states)]
    return [
        *lines,
        ', '.join(f'{count} {kind}' for kind, count in counts.items()),
        Progress(jobs, recorded).left().describe(processes),
    ]
