"""Runs a plan, from the first training to the records."""

from pathlib import Path
from typing import List, Sequence, Set, Tuple

from ..cli import UserError
from ..run_logs import read_test
from ..run_records import add_records, read_records
from .cores import share_cores
from .job import Job, is_ready, next_step
from .progress import Progress
from .side_by_side import Failure, SideBySide


def recorded_digests(records: Path) -> Set[str]:
    """Return the digests of the jobs whose runs are in a file of records.

    Args:
        records: The file; it need not exist.
    """
    return {run.provenance['digest'] for run in read_records(records) if run.provenance}


def record(job: Job, records: Path) -> None:
    """Add the tested run of a job to a file of records.

    Args:
        job: The job, whose test has ended.
        records: The file.

    Raises:
        UserError: The test left no metrics.
    """
    tests = sorted(path for path in job.folder.glob('test/*/*.json') if path.parent.name == path.stem)
    if not tests:
        raise UserError(f'no metrics in {job.folder}/test')
    add_records(records, [read_test(tests[-1], [job.folder])])


def run_benchmark(jobs: Sequence[Job], processes: int, records: Path) -> Tuple[List[Failure], bool]:
    """Train, test and record all jobs that are not recorded yet.

    Args:
        jobs: The jobs, in their order.
        processes: Number of jobs that run at the same time.
        records: File of the records.

    Returns:
        The failures, and True if all jobs were tried, False after a signal.
    """
    recorded = recorded_digests(records)
    progress = Progress(jobs, recorded)

    def ended(job: Job, step: str) -> None:
        if step == 'prepare':
            job.prepared.touch()
        if step == 'test':
            record(job, records)
            recorded.add(job.digest)
            progress.tell(f'done: {job.name}')

    crew = SideBySide(
        lambda job: next_step(job, job.digest in recorded),
        ended,
        share_cores(processes),
        ready=lambda job: is_ready(job, job.digest in recorded),
        tell=progress.tell,
        watch=progress,
    )
    whole = crew.run(jobs)
    progress.end(crew)
    return crew.failures, whole
