"""Makes the table of a plan: every training against its control and its baseline, by paired differences."""

import statistics
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from .paired import Difference, gap_closed, paired_difference, verdict
from .run_logs import Run, method_names, said_by_name, without_draw
from .trainings.job import Job, training_name
from .trainings.plan import Table, read_tables

CONTROL = 'control'
"""Name of the variant that is the control of the others."""
HEAD = ('labels', 'method', 'runs', 'val', 'test', 'minus control', 'minus {baseline}', 'gap closed')
NOTE = (
    'mIoU in % on test and on val, both of the LAST checkpoint, means over all runs: draws of the labeled images x '
    'seeds. The network that is scored is the one that inference uses by default, which the config fixes; it stands '
    'behind the method where there are several. Nothing is chosen on test; settings that were tuned were tuned on val. '
    'A control is the same method with the unlabeled terms times 0: it sees the same images and costs the same. '
    'Differences on test are means ± standard errors over pairs of runs with the same list and seed; "better" and '
    '"worse" mean more than two standard errors over at least three pairs, all else is not distinguishable. Pairs that '
    'share a draw are not independent, so the errors are rather too small. Gap closed: how much of the way from the '
    'baseline on these labels to training on all labels.'
)
Scores = Dict[Tuple[str, int], float]
"""(List, seed) -> mIoU on test."""


def comparison_report(runs: Sequence[Run], plan: Path) -> str:
    """Make the block of a plan.

    Args:
        runs: Recorded runs; those that do not belong to the plan and its current configs are left out.
        plan: The plan's file.

    Returns:
        Markdown tables, and a note on how the numbers were made.
    """
    made = {run.provenance['digest']: run for run in runs if run.provenance}
    tables = read_tables(plan)
    jobs = [job for table in tables for job in table.jobs]
    parts = [comparison_table(table, jobs, made) for table in tables if len({job.training for job in table.jobs}) > 1]
    used = [made[job.digest] for job in jobs if job.digest in made]
    hardware = sorted({run.hardware for run in used})
    commits = sorted({commit for run in used for commit in (run.provenance or {}).get('commits', ())})
    how = f'{len(used)} of {len(jobs)} runs of `{plan.as_posix()}` are done, with `tools/run_benchmark.py`.'
    if used:
        how += f' Hardware: {"; ".join(hardware)}. Commits: {", ".join(commits)}.'
    older = count_older(jobs, runs)
    if older:
        how += f' {older} more runs are of earlier versions of these configs, and left out.'
    return '\n\n'.join([NOTE, *parts, how])


def comparison_table(table: Table, jobs: Sequence[Job], made: Dict[str, Run]) -> str:
    """Make the markdown table of one table of a plan.

    Args:
        table: A table of the plan; the training of its first job is the baseline.
        jobs: All jobs of the plan, including the ceiling.
        made: Digest -> run of the jobs that are done.

    Returns:
        One row per list (without its draw) and training, in the plan's order, the ceiling last; and a sentence that
        names the trainings of which no run is done.
    """
    baseline = table.jobs[0].training
    groups: Dict[Tuple[str, str], List[Job]] = {}
    for job in table.jobs:
        groups.setdefault((without_draw(job.split), job.training), []).append(job)
    scores = {key: _scores(group, made) for key, group in groups.items()}
    ceiling = [job for job in jobs if job.training == table.ceiling]
    top = _scores(ceiling, made)
    lines = []
    for (labels, training), group in groups.items():
        own, base = scores[labels, training], scores.get((labels, baseline), {})
        control = scores.get((labels, _control_of(group[0])))
        closed = None if training == baseline else gap_closed(own, base, top)
        cells = (
            '' if control is None else describe_difference(paired_difference(own, control)),
            '' if training == baseline else describe_difference(paired_difference(own, base)),
            '' if closed is None else f'{100 * closed:.0f} %',
        )
        lines.append([labels, training_title(group[0]), *_means(group, made), *cells])
    if ceiling and any(scores.values()):
        lines.append([without_draw(ceiling[0].split), training_title(ceiling[0]), *_means(ceiling, made), '', '', ''])
    head = [title.format(baseline=training_title(table.jobs[0])) for title in HEAD]
    return _with_missing_below(head, lines)


def _with_missing_below(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table of the trainings with runs, and name those without."""
    done = [line for line in lines if not line[2].startswith('0 ')]
    missing = [f'{line[0]} {line[1]}' for line in lines if line[2].startswith('0 ')]
    parts = []
    if done:
        table = ['| ' + ' | '.join(cells) + ' |' for cells in (head, *done)]
        parts.append('\n'.join([table[0], '|' + '---|' * len(head), *table[1:]]))
    if missing:
        parts.append(f'Not run: {"; ".join(missing)}.')
    return '\n\n'.join(parts)


def describe_difference(difference: Difference) -> str:
    """Format a difference as ``+3.10 ± 0.60: better``; one pair has no error, no pair is "not run"."""
    if not difference.pairs:
        return 'not run'
    error = f' ± {difference.error:.2f}' if difference.pairs > 1 else ''
    return f'{difference.mean:+.2f}{error}: {verdict(difference)}'


def count_older(jobs: Sequence[Job], runs: Sequence[Run]) -> int:
    """Count the runs of a plan's trainings that were made before their configs changed."""
    now = {job.digest for job in jobs}
    names = {(Path(job.config).stem, job.variant, job.split, job.seed) for job in jobs}
    noted = [(run, run.provenance) for run in runs if run.provenance]
    return sum(
        (run.config, notes['variant'], run.draw, run.seed) in names
        for run, notes in noted
        if notes['digest'] not in now
    )


def _control_of(job: Job) -> str:
    """Return the name of a job's control; for a control itself, a name that does not exist."""
    return training_name(job.config, '+'.join(filter(None, [job.variant, CONTROL])))


def _scores(jobs: Sequence[Job], made: Dict[str, Run]) -> Scores:
    return {(job.split, job.seed): made[job.digest].metrics['mIoU'] for job in jobs if job.digest in made}


def _means(jobs: Sequence[Job], made: Dict[str, Run]) -> List[str]:
    """Return the cells of the number of runs and of the means on val and on test."""
    done = [made[job.digest] for job in jobs if job.digest in made]
    if not done:
        return [f'0 of {len(jobs)}', '', '']
    means = (
        statistics.mean(part['mIoU'] for part in parts) for parts in zip(*((r.val_metrics, r.metrics) for r in done))
    )
    return [f'{len(done)} of {len(jobs)}', *(f'{mean:.2f}' for mean in means)]


def training_title(job: Job) -> str:
    """Name the method, the config's ablation, the reported network if there are several, and the plan's variant."""
    method = Path(job.config).parent.name
    network = f' ({job.networks[0]})' if len(job.networks) > 1 else ''
    said = said_by_name(method, Path(job.config).stem)
    own = f' `{said["variant"]}`' if said and said['variant'] else ''
    varied = f', {job.variant.replace("+", ", ")}' if job.variant else ''
    return method_names().get(method, method) + own + network + varied
