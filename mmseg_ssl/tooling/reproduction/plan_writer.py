"""Writes the trainings of a paper's table as a plan for ``tools/run_benchmark.py``."""

import json
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from ...datasets.splits import find_split
from ...errors import DatasetError, UserError
from ..config_leaves import Config
from .cells import Cell
from .project_configs import batch_of, first_of, name_of, path_of, read_config

HEAD = """# {title}. Written by tools/reproduce.py.
# The batches are those of all processes of the papers, here on one: it may be more than one card holds."""
Group = Tuple[Tuple[str, ...], Tuple[str, ...]]
"""Lists and options that trainings share."""


def plan_text(title: str, cells: Sequence[Cell], draws: int, seeds: Sequence[int] = (0,)) -> str:
    """Write a plan.

    Args:
        title: First line, as a comment.
        cells: Cells of a table; each of their configs is trained once per draw and seed.
        draws: Number of draws of each list, of those that there are.
        seeds: Seeds.

    Returns:
        TOML. On one process the batch is the paper's, of all processes; what a config loads is trained first.

    Raises:
        UserError: No cell has a config.
    """
    wanted = {cell.name: cell.config for cell in cells if cell.config}
    if not wanted:
        raise UserError(f'{title}: no row has a config, so there is nothing to train.')
    needs = {path_of(config): first_of(config) for config in wanted.values()}
    trained = {name_of(config): config for config in [*filter(None, needs.values()), *wanted.values()]}
    groups: Dict[Group, List[str]] = {}
    for config in trained.values():
        groups.setdefault((_lists(config, draws), _options(config)), []).append(path_of(config))
    lines = [HEAD.format(title=title)]
    for path, first in needs.items():
        if first:
            lines += ['', f'[needs.{json.dumps(path)}]', f'first = {json.dumps(path_of(first))}']
            lines += ['options = ["load_from={checkpoint}"]']
    for (lists, options), trainings in groups.items():
        lines += ['', '[[tables]]', f'lists = {json.dumps(lists)}', f'seeds = {json.dumps(list(seeds))}']
        lines += [f'options = {json.dumps(options)}'] if options else []
        lines += ['trainings = [', *(f'    {json.dumps(training)},' for training in trainings), ']']
    return '\n'.join([*lines, ''])


def write_plan(path: Path, text: str) -> None:
    """Write a plan, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def _lists(config: Config, draws: int) -> Tuple[str, ...]:
    """Return the list of a config, in as many draws as wanted and there."""
    split = read_config(path_of(config)).train_dataloader.dataset.split
    lists = [split.replace('_draw0.txt', f'_draw{draw}.txt') for draw in range(draws)]
    return tuple(dict.fromkeys(name for name in lists if _exists(name)))


def _exists(split: str) -> bool:
    try:
        return bool(find_split(split))
    except DatasetError:
        return False


def _options(config: Config) -> Tuple[str, ...]:
    """Return the options by which one process has the batch of all."""
    same = read_config(path_of(config)).train_dataloader.batch_size == batch_of(config)
    return () if same else (f'train_dataloader.batch_size={batch_of(config)}',)
