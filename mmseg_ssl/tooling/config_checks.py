"""Checks that the matrix of configs is consistent."""

from pathlib import Path
from typing import Iterator

from ..errors import UserError
from .config_leaves import lists_of
from .matrix import DATA, METHODS, NETWORKS, PUBLISHED, Method


def check_matrix(root: Path) -> None:
    """Look for rows that refer to names which do not exist.

    Args:
        root: Folder of the project.

    Raises:
        UserError: Names each of them, with the names that exist.
    """
    problems = [problem for method in METHODS for problem in _problems(method, root / 'configs' / '_base_')]
    unknown = sorted(PUBLISHED.keys() - {method.folder for method in METHODS})
    problems += [f'published: no method {name}' for name in unknown]
    if problems:
        raise UserError('the matrix (mmseg_ssl/tooling/matrix) is not consistent:\n  ' + '\n  '.join(problems))


def _problems(method: Method, bases: Path) -> Iterator[str]:
    """Yield the problems of a method's rows."""
    data = {recipe.data for recipe in method.recipes}
    if data - DATA.keys():
        yield f'{method.folder}: no data {sorted(data - DATA.keys())}; there are {", ".join(DATA)}'
        return
    names = [net for recipe in method.recipes for net in (*recipe.networks, *recipe.only_variants)]
    for name in sorted({*names} - NETWORKS.keys()):
        yield f'{method.folder}: no network {name}; there are {", ".join(NETWORKS)}'
    files = [f'networks/{NETWORKS[name].base}' for name in names if name in NETWORKS]
    files += [f'datasets/{recipe.dataset}' for recipe in method.recipes]
    files += [f'schedules/{recipe.schedule}' for recipe in method.recipes]
    files += [*method.bases.values(), *(file for variant in method.variants for file in variant.bases.values())]
    for file in sorted({*files}):
        if not (bases / f'{file}.py').is_file():
            yield f'{method.folder}: no file configs/_base_/{file}.py'
    for variant in method.variants:
        for name in sorted({*variant.data} - data):
            yield f'{method.folder}: the variant {variant.name} is for {name}, which is in none of its recipes'
    keys = {*data, *(recipe.group for recipe in method.recipes)}
    for key in sorted(method.on):
        if key.split('_')[0] not in keys:
            yield f'{method.folder}: on has {key!r}, which is neither data nor a group of its recipes'
    yield from _unpublished(method)


def _unpublished(method: Method) -> Iterator[str]:
    """Yield scores of papers that belong to no config."""
    for key, scores in PUBLISHED.get(method.folder, {}).items():
        network, data, *variant = key.split(' ')
        recipes = [recipe for recipe in method.recipes if recipe.data == data]
        lists = [
            one.lists
            for one in method.variants
            if [one.name] == variant and data in one.data and (not one.networks or network in one.networks)
        ]
        known = lists[0] if lists and lists[0] else lists_of(method, recipes[0], network) if recipes else ()
        if not recipes or variant and not lists or len(known) != len(scores):
            yield f'published: {method.folder}, {key!r} has {len(scores)} scores and {len(known)} lists'
