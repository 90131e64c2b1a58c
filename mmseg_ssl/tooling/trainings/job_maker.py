"""Makes jobs from the lines of a plan: reads their configs, and finds the trainings that they need first."""

import argparse
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ...datasets.splits import find_split
from ...utils.project_files import PROJECT
from ..cli import CfgOptions, UserError, load_config
from ..run_options import LOADING, digest_of, networks_of
from .job import Job, job_name, training_name

OF_A_TABLE = re.compile(r'randomness\.seed|train_dataloader\.(dataset\.split|sampler\.seed)')
"""Settings that the lists and seeds of a table give; only the list may be one that a training's need makes."""


class PlanLine(NamedTuple):
    """One training of a plan before its config is read."""

    table: int
    config: str
    variant: str
    options: Tuple[str, ...]
    split: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the job that it becomes."""
        return job_name(self.config, self.variant, self.split, self.seed)


class JobMaker:
    """Makes the jobs of a plan.

    Args:
        path: Path of the plan, for messages.
        plan: Its settings.
        lines: All its trainings, including those that others need first.

    Raises:
        UserError: A training needs one that the plan does not have with the same list and seed, or itself; the plan
            says what a training needs that it does not have; or an option is a list or a seed.
    """

    def __init__(self, path: Path, plan: Dict[str, Any], lines: Sequence[PlanLine]) -> None:
        self.path, self.needs = path, plan.get('needs', {})
        self.folder = Path(plan.get('work_dirs', f'work_dirs/{path.stem}'))
        plain = {(line.config, line.split, line.seed): line for line in lines if not line.variant}
        self.first: Dict[PlanLine, PlanLine] = {}
        for line in lines:
            need = self._need(line)
            if not need:
                continue
            first = need['first']
            if (first, line.split, line.seed) not in plain:
                raise UserError(
                    f'{path}: {line.name} needs {first} first, which the plan does not train on this list and seed.'
                )
            self.first[line] = plain[first, line.split, line.seed]
        self._require_sense(lines)
        self.settings = lru_cache(maxsize=None)(self._settings)

    def _require_sense(self, lines: Sequence[PlanLine]) -> None:
        """Refuse needs of no training, lists and seeds as options, and trainings that wait for themselves."""
        unused = self.needs.keys() - {self._key(line) for line in lines} - {line.config for line in lines}
        if unused:
            raise UserError(
                f'{self.path}: [needs."{min(unused)}"] is of no training of the plan, which would be trained without '
                'it. Write it as in trainings, with its variants in the same order.'
            )
        for line in lines:
            own = [option for option in line.options if OF_A_TABLE.fullmatch(option.split('=')[0])]
            if own:
                raise UserError(
                    f'{self.path}: {own[0]} would hold for every list and seed of {line.config}, whose records name '
                    'another. Give it as one of the lists or seeds of a table.'
                )
            before = [line]
            while before[-1] in self.first:
                before.append(self.first[before[-1]])
                if before[-1] in before[:-1]:
                    raise UserError(
                        f'{self.path}: {line.name} would wait for itself: {before[-1].config} needs it first. For a '
                        'variant of the training that is first, write [needs."<config> + <variant>"].'
                    )

    def missing_configs(self, lines: Sequence[PlanLine]) -> List[str]:
        """Name the missing configs of some trainings, and of those that they need first."""
        wanted = {line.config for line in [*lines, *(self.first[line] for line in lines if line in self.first)]}
        return sorted(config for config in wanted if not config_path(config).is_file())

    def job(self, line: PlanLine) -> Job:
        """Make the job of a training, whose configs must exist."""
        first = self.job(self.first[line]) if line in self.first else None
        need = self._need(line)
        # paths are still in braces here, because a training's identity must not depend on where others lie
        iterations, networks, settings = self.settings(line.config, (*line.options, *need.get('options', ())))
        content = Path(find_split(line.split)).read_bytes()
        what = [Path(line.config).stem, settings, hashlib.sha256(content).hexdigest(), line.seed, iterations]
        what += [first.digest] if first else []
        if self._key(line) in self.needs and line.variant:
            what.append(need)  # variants may differ in it alone
        else:
            what += _choices(need.get('command', ''))
        digest = hashlib.sha256(repr(tuple(what)).encode()).hexdigest()[:8]
        place = f'{Path(line.split).with_suffix("").as_posix().replace("/", "-")}_seed{line.seed}_{digest}'
        folder = self.folder / training_name(line.config, line.variant) / place
        words = need.get('command', '').split()
        return Job(
            config=str(config_path(line.config)),
            variant=line.variant,
            options=(*line.options, *_filled(need.get('options', ()), first, folder, line.seed)),
            split=line.split,
            seed=line.seed,
            iterations=iterations,
            networks=networks,
            digest=digest,
            folder=folder,
            first=first.checkpoint if first else None,
            preparation=_filled(words, first, folder, line.seed),
        )

    def _need(self, line: PlanLine) -> Dict[str, Any]:
        """Return what a training needs first: that of its variant, else that of its config, else nothing."""
        return dict(self.needs.get(self._key(line), self.needs.get(line.config, {})))

    @staticmethod
    def _key(line: PlanLine) -> str:
        """Return a training as a plan writes it."""
        return ' + '.join(filter(None, [line.config, *line.variant.split('+')]))

    def _settings(self, config: str, options: Tuple[str, ...]) -> Tuple[int, Tuple[str, ...], str]:
        """Read iterations, networks and digest of a training from its config."""
        relevant = [option for option in options if not LOADING.search(option.split('=')[0])]
        cfg = load_config(str(config_path(config)), parse_options(self.path, relevant))
        return cfg.train_cfg.max_iters, networks_of(cfg.model), digest_of(cfg)


def config_path(name: str) -> Path:
    """Return the path of a config that a plan names, from the current folder or from the checkout."""
    return Path(name) if Path(name).is_file() else PROJECT / name


def parse_options(path: Path, options: Sequence[str]) -> Dict[str, Any]:
    """Parse ``KEY=VALUE`` pairs as ``--cfg-options`` does.

    Args:
        path: Path of the plan, for the message.
        options: The pairs.
    """
    parser = argparse.ArgumentParser(prog=str(path), usage=argparse.SUPPRESS)
    parser.add_argument('--cfg-options', nargs='*', action=CfgOptions, default={})
    return parser.parse_args(['--cfg-options', *options]).cfg_options


def _choices(command: str) -> List[str]:
    """Return the options of a command that decide what it makes: not where files lie, nor how a machine reads them."""
    options = re.split(r'\s+(?=--)', command)[1:]
    return [option for option in options if option.split()[0] not in ('--workers', '--batch-size', '--device')]


def _filled(words: Sequence[str], first: Optional[Job], folder: Path, seed: int) -> Tuple[str, ...]:
    """Replace names in braces with the paths of a job, and of the one before it, and with its seed."""
    places = dict(folder=str(folder), seed=str(seed))
    if first:
        # as it was trained, with the options of the plan, such as other classes
        places.update(config=str(first.folder / Path(first.config).name), checkpoint=str(first.checkpoint))
    for name, place in places.items():
        words = [word.replace(f'{{{name}}}', place) for word in words]
    return tuple(words)
