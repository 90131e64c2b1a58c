"""Plans: TOML files that say which trainings make a table, in the order in which they are run."""

import argparse
import fnmatch
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...datasets.splits import find_split
from ..cli import CfgOptions, UserError, load_config
from ..run_options import LOADING, digest_of, networks_of
from .job import Job, job_name, training_name
from .plan_file import read_plan_file
from .provenance import ROOT


class Table(NamedTuple):
    """Trainings that are compared with each other."""

    jobs: List[Job]  # the first one's training is the baseline
    ceiling: str  # name of a training of the plan, with all labels; '' for none


class Line(NamedTuple):
    """One training of a plan before its config is read."""

    table: int
    config: str
    variant: str
    options: Tuple[str, ...]
    split: str
    seed: int

    @property
    def name(self) -> str:
        """As of the job that it becomes."""
        return job_name(self.config, self.variant, self.split, self.seed)


def read_tables(path: Path, only: Optional[str] = None) -> List[Table]:
    """Read a plan and the configs that it names.

    Args:
        path: A TOML file, see ``docs/benchmarks.md``.
        only: Pattern of shells; trainings whose name it does not fit are left out, and their configs not read.

    Returns:
        The tables; in each the trainings seed by seed, then list by list, then as they stand, so that whatever is done
        when a benchmark is stopped is a table of whole rounds.

    Raises:
        UserError: The file is no plan, the pattern fits nothing, or configs or lists are not there; all are named.
    """
    plan = read_plan_file(path)
    lines = list(_lines(path, plan))
    kept = [line for line in lines if not only or fnmatch.fnmatchcase(line.name, f'*{only}*')]
    if not kept:
        raise UserError(f'--only {only}: no training of {path} fits, e.g. not "{lines[0].name}".')
    missing = sorted({line.config for line in kept if not _config_path(line.config).is_file()})
    if missing:
        raise UserError(f'{path} names configs that are not there:\n  ' + '\n  '.join(missing))
    twice = sorted(name for name, count in Counter(line.name for line in kept).items() if count > 1)
    if twice:
        raise UserError(f'{path} names a training twice: {"; ".join(twice)}.')
    folder = Path(plan.get('work_dirs', f'work_dirs/{path.stem}'))
    settings = {(line.config, line.options): _settings(path, line) for line in kept}
    tables = [Table([], _ceiling(path, table, lines)) for table in plan['tables']]
    for line in kept:
        tables[line.table].jobs.append(_job(line, settings[line.config, line.options], folder))
    return [table for table in tables if table.jobs]


def read_plan(path: Path, only: Optional[str] = None) -> List[Job]:
    """Read the jobs of a plan, see :func:`read_tables`, table by table.

    Args:
        path: A TOML file.
        only: Pattern of shells.
    """
    return [job for table in read_tables(path, only) for job in table.jobs]


def _lines(path: Path, plan: Dict[str, Any]) -> Iterator[Line]:
    """The trainings in their order.

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
                    changes = tuple(option for name in names for option in variants[name])
                    yield Line(number, config, '+'.join(names), (*shared, *changes), split, seed)


def _ceiling(path: Path, table: Dict[str, Any], lines: Sequence[Line]) -> str:
    """Name of the training that a table gives as its ceiling.

    Raises:
        UserError: The plan does not train it.
    """
    given = table.get('ceiling')
    if given and given not in {line.config for line in lines}:
        raise UserError(
            f'{path}: the ceiling {given} is none of the trainings of the plan. Add a table that trains it.'
        )
    return training_name(given, '') if given else ''


def _config_path(name: str) -> Path:
    """Of a config, from the current folder or from the checkout."""
    return Path(name) if Path(name).is_file() else ROOT / name


def _settings(path: Path, line: Line) -> Tuple[int, Tuple[str, ...], str]:
    """Iterations, networks and digest of a training, from its config."""
    relevant = [option for option in line.options if not LOADING.search(option.split('=')[0])]
    cfg = load_config(str(_config_path(line.config)), parse_options(path, relevant))
    return cfg.train_cfg.max_iters, networks_of(cfg.model), digest_of(cfg)


def parse_options(path: Path, options: Sequence[str]) -> Dict[str, Any]:
    """Values of ``KEY=VALUE`` pairs, as ``--cfg-options`` reads them.

    Args:
        path: Of the plan, for the message.
        options: The pairs.
    """
    parser = argparse.ArgumentParser(prog=str(path), usage=argparse.SUPPRESS)
    parser.add_argument('--cfg-options', nargs='*', action=CfgOptions, default={})
    return parser.parse_args(['--cfg-options', *options]).cfg_options


def _job(line: Line, settings: Tuple[int, Tuple[str, ...], str], folder: Path) -> Job:
    iterations, networks, digest = settings
    content = Path(find_split(line.split)).read_bytes()
    what = (Path(line.config).stem, digest, hashlib.sha256(content).hexdigest(), line.seed, iterations)
    own = hashlib.sha256(repr(what).encode()).hexdigest()[:8]
    place = f'{Path(line.split).with_suffix("").as_posix().replace("/", "-")}_seed{line.seed}_{own}'
    return Job(
        config=str(_config_path(line.config)),
        variant=line.variant,
        options=line.options,
        split=line.split,
        seed=line.seed,
        iterations=iterations,
        networks=networks,
        digest=own,
        folder=folder / training_name(line.config, line.variant) / place,
    )
