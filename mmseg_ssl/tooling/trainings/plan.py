"""Plans: TOML files that say which trainings make a table, in the order in which they are run."""

import argparse
import difflib
import fnmatch
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...datasets.splits import find_split
from ..cli import CfgOptions, UserError, load_config
from ..run_options import LOADING, digest_of, networks_of
from .job import Job, job_name, training_name
from .provenance import ROOT

KEYS: Dict[str, Dict[str, type]] = {
    'plan': dict(work_dirs=str, options=list, variants=dict, tables=list),
    'tables': dict(trainings=list, lists=list, seeds=list, options=list),
}


class Line(NamedTuple):
    """One training of a plan before its config is read."""

    config: str
    variant: str
    options: Tuple[str, ...]
    split: str
    seed: int

    @property
    def name(self) -> str:
        """As of the job that it becomes."""
        return job_name(self.config, self.variant, self.split, self.seed)


def read_plan(path: Path, only: Optional[str] = None) -> List[Job]:
    """Read a plan and the configs that it names.

    Args:
        path: A TOML file, see ``docs/benchmarks.md``.
        only: Pattern of shells; trainings whose name it does not fit are left out, and their configs not read.

    Returns:
        The trainings in their order: table by table, in a table seed by seed, then list by list, then as they stand,
        so that whatever is done when a benchmark is stopped is a table of whole rounds.

    Raises:
        UserError: The file is no plan, the pattern fits nothing, or configs or lists are not there; all are named.
    """
    lines = list(_lines(path, _checked(path, _parse(path))))
    kept = [line for line in lines if not only or fnmatch.fnmatchcase(line.name, f'*{only}*')]
    if not kept:
        raise UserError(f'--only {only}: no training of {path} fits, e.g. not "{lines[0].name}".')
    lines = kept
    missing = sorted({line.config for line in lines if not _config_path(line.config).is_file()})
    if missing:
        raise UserError(f'{path} names configs that are not there:\n  ' + '\n  '.join(missing))
    folder = Path(_parse(path).get('work_dirs', f'work_dirs/{path.stem}'))
    settings = {(line.config, line.options): _settings(path, line) for line in lines}
    jobs = [_job(line, settings[line.config, line.options], folder) for line in lines]
    twice = sorted(name for name, count in Counter(line.name for line in lines).items() if count > 1)
    if twice:
        raise UserError(f'{path} names a training twice: {"; ".join(twice)}.')
    return jobs


def _parse(path: Path) -> Dict[str, Any]:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        try:
            import tomli as tomllib
        except ModuleNotFoundError as error:
            raise UserError('plans are TOML, which Python 3.10 does not read by itself: pip install tomli.') from error
    if not path.is_file():
        known = sorted(str(file) for file in Path('configs/benchmarks').glob('*.toml'))
        raise UserError(f'there is no plan {path}. {"Those here: " + ", ".join(known) if known else ""}')
    try:
        return tomllib.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise UserError(f'{path} is not TOML: {error}.') from error


def _checked(path: Path, plan: Dict[str, Any]) -> Dict[str, Any]:
    """The plan, if its keys and their types are those of plans.

    Raises:
        UserError: Names the first that is not.
    """
    parts = [('plan', plan), *(('tables', table) for table in plan.get('tables', ()) if isinstance(table, dict))]
    for kind, part in parts:
        for key, value in part.items():
            near = difflib.get_close_matches(key, KEYS[kind], n=1)
            if key not in KEYS[kind]:
                hint = f'did you mean {near[0]}?' if near else f'there are {", ".join(KEYS[kind])}.'
                raise UserError(f'{path}: {key} is no setting of {"a plan" if kind == "plan" else "a table"}; {hint}')
            if not isinstance(value, KEYS[kind][key]):
                raise UserError(f'{path}: {key} has to be a {KEYS[kind][key].__name__}, got {value!r}.')
    for number, table in enumerate(plan.get('tables', ()), start=1):
        lacking = [key for key in ('trainings', 'lists', 'seeds') if not table.get(key)]
        if lacking:
            raise UserError(f'{path}: table {number} lacks {", ".join(lacking)}.')
        if not all(isinstance(seed, int) for seed in table['seeds']):
            raise UserError(f'{path}: table {number}: seeds are whole numbers, got {table["seeds"]}.')
    if not plan.get('tables'):
        raise UserError(f'{path}: no [[tables]], so there is nothing to train.')
    return plan


def _lines(path: Path, plan: Dict[str, Any]) -> Iterator[Line]:
    """The trainings in their order.

    Raises:
        UserError: A variant is not defined.
    """
    variants = plan.get('variants', {})
    for table in plan['tables']:
        shared = (*plan.get('options', ()), *table.get('options', ()))
        for seed in table['seeds']:
            for split in table['lists']:
                for text in table['trainings']:
                    config, *names = (part.strip() for part in text.split(' + '))
                    unknown = [name for name in names if name not in variants]
                    if unknown:
                        raise UserError(f'{path}: {text!r}: [variants] has no {unknown[0]}; it has {sorted(variants)}.')
                    changes = tuple(option for name in names for option in variants[name])
                    yield Line(config, '+'.join(names), (*shared, *changes), split, seed)


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
        **dict(line._asdict(), config=str(_config_path(line.config))),
        iterations=iterations,
        networks=networks,
        digest=own,
        folder=folder / training_name(line.config, line.variant) / place,
    )
