"""Reads plans: TOML files that list the trainings of a table, in the order in which they run."""

import fnmatch
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ..cli import UserError
from ..run_options import CONDITIONS
from .job import Job, training_name
from .job_maker import JobMaker, PlanLine
from .plan_file import read_plan_file


class Table(NamedTuple):
    """Trainings that are compared with each other."""

    jobs: List[Job]  # the first one's training is the baseline
    ceiling: str  # name of a training of the plan, with all labels; '' for none


def read_tables(path: Path, only: Optional[str] = None) -> List[Table]:
    """Read a plan and the configs that it names.

    Args:
        path: A TOML file, see ``docs/benchmarks.md``.
        only: Shell pattern; trainings whose names do not match are left out, and their configs are not read.

    Returns:
        The tables; in each the trainings seed by seed, then list by list, then in the plan's order, so that a stopped
        benchmark leaves a table of complete rounds.

    Raises:
        UserError: The file is not a plan, the pattern matches nothing, configs or lists are missing (names all of
            them), or two trainings are the same one.
    """
    plan = read_plan_file(path)
    lines = list(_lines(path, plan))
    kept = [line for line in lines if not only or fnmatch.fnmatchcase(line.name, f'*{only}*')]
    if not kept:
        raise UserError(f'--only {only}: no training of {path} fits, e.g. not "{lines[0].name}".')
    twice = sorted(name for name, count in Counter(line.name for line in kept).items() if count > 1)
    if twice:
        raise UserError(f'{path} names a training twice: {"; ".join(twice)}.')
    maker = JobMaker(path, plan, lines)
    missing = maker.missing_configs(kept)
    if missing:
        raise UserError(f'{path} names configs that are not there:\n  ' + '\n  '.join(missing))
    tables = [Table([], _ceiling(path, table, lines)) for table in plan['tables']]
    for line in kept:
        tables[line.table].jobs.append(maker.job(line))
    _require_distinct(path, [job for table in tables for job in table.jobs])
    return [table for table in tables if table.jobs]


def read_plan(path: Path, only: Optional[str] = None) -> List[Job]:
    """Read the jobs of a plan, see :func:`read_tables`, table by table.

    Args:
        path: A TOML file.
        only: Pattern of shells.
    """
    return [job for table in read_tables(path, only) for job in table.jobs]


def _lines(path: Path, plan: Dict[str, Any]) -> Iterator[PlanLine]:
    """List the trainings in their order.

    Raises:
        UserError: A variant is not defined.
    """
    variants = plan.get('variants', {})
    for number, table in enumerate(plan['tables']):
        shared = (*plan.get('options', ()), *table.get('options', ()))
        for seed in table['seeds']:
            for split in table['lists']:
                for text in table['trainings']:
                    config, *names = (part.strip() for part in text.split(' + '))
                    unknown = [name for name in names if name not in variants]
                    if unknown:
                        raise UserError(f'{path}: {text!r}: [variants] has no {unknown[0]}; it has {sorted(variants)}.')
                    changes = (option for name in names for option in variants[name])
                    options = tuple(option.replace('{seed}', str(seed)) for option in (*shared, *changes))
                    yield PlanLine(number, config, '+'.join(names), options, split, seed)


def _require_distinct(path: Path, jobs: Sequence[Job]) -> None:
    """Refuse two trainings with one digest: the record of one would be that of both.

    Raises:
        UserError: Names them.
    """
    known: Dict[str, Job] = {}
    for job in jobs:
        other = known.setdefault(job.digest, job)
        if other is not job:
            raise UserError(
                f'{path}: {other.name} and {job.name} differ in nothing that counts: what makes another training is '
                f'its list, seed and length, and {", ".join(CONDITIONS)}, except where the data lie (data_root). One '
                'would get the numbers of the other. Leave one out, or give it a config file of another name.'
            )


def _ceiling(path: Path, table: Dict[str, Any], lines: Sequence[PlanLine]) -> str:
    """Return the name of the training that a table gives as its ceiling.

    Raises:
        UserError: The plan does not train it.
    """
    given = table.get('ceiling')
    if given and given not in {line.config for line in lines}:
        raise UserError(
            f'{path}: the ceiling {given} is none of the trainings of the plan. Add a table that trains it.'
        )
    return training_name(given, '') if given else ''
