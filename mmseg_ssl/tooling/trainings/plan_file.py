"""Reads and checks the TOML file of a plan."""

import difflib
import importlib
import sys
from pathlib import Path
from typing import Any, Dict

from ..cli import UserError

PLAN_KEYS: Dict[str, Dict[str, type]] = {
    'plan': dict(work_dirs=str, options=list, variants=dict, needs=dict, tables=list),
    'tables': dict(trainings=list, lists=list, seeds=list, options=list, ceiling=str),
    'needs': dict(first=str, command=str, options=list),
}
"""Settings of a plan, of each of its tables and of what a training needs first, and their types."""
TEXTS = ('options', 'trainings', 'lists')
"""Those of them that are lists of texts."""


def read_plan_file(path: Path) -> Dict[str, Any]:
    """Read the settings of a plan.

    Args:
        path: A TOML file.

    Returns:
        The settings; ``tables`` has at least one table, each with trainings, lists and seeds.

    Raises:
        UserError: The file does not exist, is not TOML, or not a plan.
    """
    plan = _parse(path)
    _check_settings(path, plan)
    return plan


def _parse(path: Path) -> Dict[str, Any]:
    try:
        toml = importlib.import_module('tomllib' if sys.version_info >= (3, 11) else 'tomli')
    except ModuleNotFoundError as error:
        raise UserError('plans are TOML, which Python 3.10 does not read by itself: pip install tomli.') from error
    if not path.is_file():
        known = sorted(str(file) for file in Path('configs/benchmarks').glob('*.toml'))
        raise UserError(f'there is no plan {path}. {"Those here: " + ", ".join(known) if known else ""}')
    try:
        return toml.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise UserError(f'{path} is not TOML: {error}.') from error


def _check_settings(path: Path, plan: Dict[str, Any]) -> None:
    """Refuse a plan with unknown keys or wrong types.

    Raises:
        UserError: Names the first.
    """
    _check_part(path, 'plan', plan)
    tables, needs = plan.get('tables', []), [*plan.get('needs', {}).values()]
    for kind, parts in (('tables', tables), ('needs', needs)):
        for part in parts:
            _check_part(path, kind, part)
    for name, options in plan.get('variants', {}).items():
        _require_texts(path, f'the variant {name}', options)
    if not all(need.get('first') for need in needs):
        raise UserError(f'{path}: what [needs] names has to say first="<config>".')
    for number, table in enumerate(tables, start=1):
        lacking = [key for key in ('trainings', 'lists', 'seeds') if not table.get(key)]
        if lacking:
            raise UserError(f'{path}: table {number} lacks {", ".join(lacking)}.')
        if not all(type(seed) is int and seed >= 0 for seed in table['seeds']):
            raise UserError(f'{path}: table {number}: seeds are whole numbers from 0 on, got {table["seeds"]}.')
    if not tables:
        raise UserError(f'{path}: no [[tables]], so there is nothing to train.')


def _check_part(path: Path, kind: str, part: Any) -> None:
    """Refuse unknown keys and wrong types in a plan, in one of its tables, or in one of its needs."""
    name = kind.rstrip('s')
    if not isinstance(part, dict):
        raise UserError(f'{path}: a {name} has settings, {", ".join(PLAN_KEYS[kind])}; got {part!r}.')
    for key, value in part.items():
        near = difflib.get_close_matches(key, PLAN_KEYS[kind], n=1)
        if key not in PLAN_KEYS[kind]:
            hint = f'did you mean {near[0]}?' if near else f'there are {", ".join(PLAN_KEYS[kind])}.'
            raise UserError(f'{path}: {key} is no setting of a {name}; {hint}')
        if not isinstance(value, PLAN_KEYS[kind][key]):
            raise UserError(f'{path}: {key} has to be a {PLAN_KEYS[kind][key].__name__}, got {value!r}.')
        if key in TEXTS:
            _require_texts(path, key, value)


def _require_texts(path: Path, name: str, value: Any) -> None:
    """Refuse what is not a list of texts; a text alone would count letter by letter."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UserError(f'{path}: {name} has to be a list of texts in quotes, got {value!r}.')
