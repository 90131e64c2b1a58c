"""Makes the table of what a plan's trainings reach on classes with few labels and on classes with many."""

import math
import statistics
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from ..datasets import find_split, read_ids
from .cli import UserError
from .comparison import describe_difference, training_title
from .mask_folders import read_indices
from .paired import paired_difference
from .run_logs import Run, without_draw
from .trainings.job import Job
from .trainings.plan import Table, read_tables

GROUPS = ('in one image', 'in two', 'in more', 'rarest third')
NOTE = (
    'mIoU in % on test over groups of classes, which each draw of the labels has of its own: classes that one of the '
    'labeled images shows (or none), two, or more; and the third of the classes with the fewest labeled pixels, with '
    'its paired differences. In brackets the number of classes, a mean over the draws.'
)


class Scored(NamedTuple):
    """One run: its list and seed, the IoU of each class, and the classes of each group."""

    key: Tuple[str, int]
    ious: np.ndarray
    groups: Sequence[np.ndarray]


def groups_of(images: np.ndarray, pixels: np.ndarray, scored: np.ndarray) -> List[np.ndarray]:
    """Return the indices of the classes of each group of :data:`GROUPS`.

    Args:
        images: Number of labeled images that show the class, of each class.
        pixels: Number of its labeled pixels; the rarest third is rounded up.
        scored: Whether the class has an IoU; those without one are in no group.
    """
    order = np.argsort(pixels, kind='stable')
    rarest = order[scored[order]][: -(-int(scored.sum()) // 3)]
    return [*(np.flatnonzero(scored & some) for some in (images <= 1, images == 2, images > 2)), rarest]


def class_group_report(runs: Sequence[Run], plan: Path, masks: Path, other: str = '') -> str:
    """Make the block of a plan: a table for each of its tables that has runs and a ceiling.

    Args:
        runs: Recorded runs; those that do not belong to the plan and its current configs are left out.
        plan: The plan's file.
        masks: Folder of the masks of all training images, named ``<id>.png``.
        other: Folder of a method that the rarest third is compared with, too.

    Raises:
        UserError: The masks are not there.
    """
    if not masks.is_dir():
        raise UserError(f'{masks}: no folder of masks, which say how many images show a class. Get the data first.')
    made = {run.provenance['digest']: run for run in runs if run.provenance}
    every = read_tables(plan)
    tables = [table for table in every if len({job.training for job in table.jobs if not job.variant}) > 1]
    top = [job for table in every for job in table.jobs if job.training in {t.ceiling for t in tables}]
    return '\n\n'.join([NOTE, *filter(None, (_table(table, top, made, masks, other) for table in tables))])


def _table(table: Table, top: Sequence[Job], made: Dict[str, Run], masks: Path, other: str) -> str:
    """Make one table, of the trainings without a variant; '' if nothing is done."""
    rows: Dict[str, List[Job]] = {}
    for job in table.jobs:
        if not job.variant and job.digest in made:
            rows.setdefault(job.training, []).append(job)
    if not rows:
        return ''
    ious: Dict[str, List[np.ndarray]] = {}
    for job in (job for row in rows.values() for job in row):
        ious.setdefault(job.split, []).append(_ious(made, job))
    groups = {split: _groups(masks, split, ~np.isnan(values).all(axis=0)) for split, values in ious.items()}
    scored = {name: [_scored(made, job, groups[job.split]) for job in row] for name, row in rows.items()}
    rare = {name: {one.key: _mean(one.ious[one.groups[-1]]) for one in row} for name, row in scored.items()}
    others = [row[0] for row in rows.values() if Path(row[0].config).parent.name == other]
    against = [table.jobs[0], *others[:1]]
    sizes = [statistics.mean(len(group[column]) for group in groups.values()) for column in range(len(GROUPS))]
    titles = [f'{title} ({size:.0f})' for title, size in zip(GROUPS, sizes)]
    lines = [['labels', 'method', 'runs', *titles, *(f'minus {training_title(job)}' for job in against)]]
    for name, row in rows.items():
        worth = [paired_difference(rare[name], rare.get(job.training, {})) for job in against]
        cells = ['' if job.training == name else describe_difference(one) for job, one in zip(against, worth)]
        lines.append([*_cells(row[0], scored[name]), *cells])
    ceiling = [job for job in top if job.training == table.ceiling and job.digest in made]
    if ceiling:
        all_groups = [_scored(made, job, group) for job in ceiling for group in groups.values()]
        lines.append([*_cells(ceiling[0], all_groups), *[''] * len(against)])
    head, *rest = ('| ' + ' | '.join(cells) + ' |' for cells in lines)
    return '\n'.join([head, '|' + '---|' * len(lines[0]), *rest])


def _cells(job: Job, scored: Sequence[Scored]) -> List[str]:
    """Return the first cells of a row: of each group the mean over its classes and runs."""
    means = []
    for column in range(len(GROUPS)):
        mean = _mean(np.concatenate([one.ious[one.groups[column]] for one in scored]))
        means.append('-' if math.isnan(mean) else f'{mean:.2f}')
    return [without_draw(job.split), training_title(job), str(len({one.key for one in scored})), *means]


def _mean(ious: np.ndarray) -> float:
    """Return the mean over the classes with an IoU; NaN if there are none."""
    known = ious[~np.isnan(ious)]  # a class that the test set lacks and the network never predicts has none
    return float(known.mean()) if len(known) else math.nan


def _groups(masks: Path, split: str, scored: np.ndarray) -> List[np.ndarray]:
    """Return the groups of a list of labeled images."""
    paths = [masks / f'{name}.png' for name in read_ids(find_split(split))]
    counts = np.stack([np.bincount(read_indices(path).ravel(), minlength=256)[: len(scored)] for path in paths])
    return groups_of((counts > 0).sum(axis=0), counts.sum(axis=0), scored)


def _scored(made: Dict[str, Run], job: Job, groups: Sequence[np.ndarray]) -> Scored:
    return Scored((job.split, job.seed), _ious(made, job), groups)


def _ious(made: Dict[str, Run], job: Job) -> np.ndarray:
    """Return the IoU of each class, of the network that inference uses."""
    begin = f'{job.networks[0]}/IoU.' if len(job.networks) > 1 else 'IoU.'
    return np.array([value for key, value in made[job.digest].metrics.items() if key.startswith(begin)])
