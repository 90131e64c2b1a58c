"""Starts, watches and stops processes side by side, each on its own cores."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ...engine.stop_request import SAME_REQUEST_SECONDS
from .cores import pinned
from .job import LOG, Job
from .provenance import commit_of, note_process, versions

POLL_SECONDS = 0.5
NextStep = Callable[[Job], Optional[str]]
Ended = Callable[[Job, str], None]


class Failure(NamedTuple):
    """A job that failed."""

    job: Job
    reason: str  # exit code and the last line that it printed

    def __str__(self) -> str:
        """Return one line, with the log to read."""
        return f'{self.job.name}: {self.reason} (log: {self.job.folder / LOG})'


class Running(NamedTuple):
    """A running process."""

    job: Job
    step: str
    process: subprocess.Popen
    began: float
    commit: str


class SideBySide:
    """Runs jobs in their order, several at a time, each step by step.

    A failed process does not stop the others: its job goes into :attr:`failures`, and the next one starts. SIGINT and
    SIGTERM are passed on as SIGTERM, on which a training saves and ends; a second signal, a second later, kills.

    Args:
        next_step: Returns the step that a job needs; called again after each step, when it must return another one.
        ended: Called with a job and its successful step, before ``next_step``; an error in it fails the job.
        cores: Cores of each simultaneous process, see :func:`~mmseg_ssl.tooling.trainings.cores.share_cores`.
        ready: Returns True if the files that a job needs exist; until then, other jobs go first.
        tell: Called with a line about every event.
        watch: Called again and again while the processes run.
    """

    def __init__(
        self,
        next_step: NextStep,
        ended: Ended,
        cores: Sequence[List[int]],
        ready: Callable[[Job], bool] = lambda job: True,
        tell: Callable[[str], None] = print,
        watch: Callable[['SideBySide'], None] = lambda crew: None,
    ) -> None:
        self.next_step, self.ended, self.ready = next_step, ended, ready
        self.tell, self.watch = tell, watch
        self.free = [list(own) for own in cores]
        self.running: Dict[int, Running] = {}  # by number of the place
        self.failures: List[Failure] = []
        self.asked = 0  # signals so far

    def run(self, jobs: Sequence[Job]) -> bool:
        """Run jobs until none is left, or until asked to stop.

        Args:
            jobs: The jobs, in their order; those that need no step are skipped.

        Returns:
            True if all jobs were tried; False after a signal.
        """
        queue = list(jobs)
        with self._signals():
            while self.running or (queue and not self.asked):
                for place in range(len(self.free)):
                    while place not in self.running and (job := self._choose(queue)):
                        self._start(place, job, self.next_step(job))
                time.sleep(POLL_SECONDS)
                for place in list(self.running):
                    self._look_after(place)
                self.watch(self)
        return not self.asked

    def _choose(self, queue: List[Job]) -> Optional[Job]:
        """Take the first ready job from the queue; jobs that can never be ready become failures."""
        if self.asked:
            return None
        job = next((job for job in queue if self.ready(job)), None)
        if job:
            queue.remove(job)
        elif queue and not self.running:
            fix = 'train it, if it failed above or --only left it out; else bring the file, or remove its record'
            for late in queue:
                self._fail(late, f'it needs {late.first}, which is not there: {fix}')
            queue.clear()
        return job

    def _fail(self, job: Job, reason: str) -> None:
        """Record and report that a job failed."""
        self.failures.append(Failure(job, ' '.join(reason.split())))
        self.tell(f'FAILED: {self.failures[-1]}')

    def _start(self, place: int, job: Job, step: Optional[str]) -> None:
        """Start a step of a job on the cores of a place; does nothing without a step."""
        if step is None:
            return
        job.folder.mkdir(parents=True, exist_ok=True)
        cores = self.free[place]
        threads = str(len(cores) or 1)
        environment = dict(os.environ, OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
        with pinned(cores), open(job.folder / LOG, 'ab') as log:
            # Its own session: Ctrl-C in the terminal must not reach the training, which would end without saving.
            process = subprocess.Popen(
                job.command(step), env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.running[place] = Running(job, step, process, time.time(), commit_of())
        if self.asked:  # while it was being started; the others were told, and would end at once if told again
            process.terminate()
        self.tell(f'{step}: {job.name}')

    def _look_after(self, place: int) -> None:
        """If the process of a place has ended, record its costs and continue with the next step of its job."""
        job, step, process, began, commit = self.running[place]
        before = sum(os.times()[2:4])  # CPU seconds of reaped children; poll() below reaps only this one
        code = process.poll()
        if code is None:
            return
        del self.running[place]
        note_process(
            job.folder,
            **dict(step=step, code=code, digest=job.digest, variant=job.variant, commit=commit, versions=versions()),
            **dict(cores=len(self.free[place]), cpu_seconds=sum(os.times()[2:4]) - before),
            wall_seconds=time.time() - began,
        )
        if not self.asked:
            self._go_on(place, job, step, code)

    def _go_on(self, place: int, job: Job, step: str, code: int) -> None:
        """Start a job's next step, or record that it failed."""
        reason = '' if code == 0 else f'{step} ended with exit code {code}: {_last_line(job.folder / LOG)}'
        following = None
        if not reason:
            try:
                self.ended(job, step)
                following = self.next_step(job)
            except Exception as error:  # whatever one job's logs hold, the others continue
                reason = f'{step} ended well, but left nothing to go on with: {error or repr(error)}'
        if following == step:
            reason = f'{step} ended with exit code 0 and has to be done again: {_last_line(job.folder / LOG)}'
        if reason:
            self._fail(job, reason)
        else:
            self._start(place, job, following)

    def _send(self, number: int) -> None:
        """Send a signal to every process that has not been reaped."""
        for running in self.running.values():
            if running.process.returncode is None:
                os.kill(running.process.pid, number)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Pass signals in the block on to the processes."""

        asked_at = float('-inf')

        def on_signal(number: int, frame: Any) -> None:
            nonlocal asked_at
            if time.monotonic() - asked_at < SAME_REQUEST_SECONDS:
                return  # the same request, from several sides
            asked_at = time.monotonic()
            self.asked += 1
            self._send(signal.SIGTERM if self.asked == 1 else signal.SIGKILL)
            self.tell('stopping: trainings save first; once more ends them at once' if self.asked == 1 else 'ended')

        former = {kind: signal.signal(kind, on_signal) for kind in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for kind, handler in former.items():
                signal.signal(kind, handler)
            self._send(signal.SIGTERM)  # none runs, unless an error ended the block


def _last_line(log: Path) -> str:
    """Return the end of a log: a tool's ``error: ...`` near its end, else its last line; cut to one line."""
    lines = [line.strip() for line in log.read_text(errors='replace').splitlines() if line.strip()][-10:]
    errors = [line for line in lines if line.startswith('error: ')]
    return ([*lines, *errors] or ['nothing printed'])[-1][:200]
