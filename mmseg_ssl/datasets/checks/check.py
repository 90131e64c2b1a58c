"""The check as a whole: build the sets of a config, look at their files, compare what the config says of them."""

import logging
from typing import Any, Dict, Iterator, List, Tuple

from mmengine.dataset import BaseDataset
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from ..errors import DatasetError
from ..semi_dataset import SemiDataset
from ..sources import require_data
from .config_rules import class_problems, head_problems, ignore_problems
from .look import leaves
from .report import Problem, Report
from .set_rules import DEPTHS, check_set, name_of


def check_semi_dataset(cfg: dict, depth: str = 'sample') -> Report:
    """Check the data of a config, and stop if something is wrong; what is only doubtful is logged.

    Args:
        cfg: See :func:`inspect_data`.
        depth: See :func:`inspect_data`.

    Returns:
        What was found.

    Raises:
        DatasetError: Lists the problems, each with the file and the fix.
    """
    report = inspect_data(cfg, depth)
    report.stop_on_problems()
    for text in report.listed(report.warnings):
        print_log(f'Data: {text}', 'current', level=logging.WARNING)
    return report


def inspect_data(cfg: dict, depth: str = 'headers') -> Report:
    """Look at all that a config says of its data, and at the files.

    Labelled images and all masks are decoded. Of other images header and end are read, which tells files that are cut
    off; all their pixels only in depth ``pixels``.

    Args:
        cfg: A whole config with ``train_dataloader``; default scope ``mmseg``.
        depth: ``sample``: before training, without the test set, at most 2,000 unlabelled images and 200 of validation
            (evenly spaced). ``headers``: every file. ``pixels``: every file is decoded.

    Returns:
        What was found.

    Raises:
        DatasetError: A set cannot be built: a folder is absent, a list is wrong.
    """
    if depth not in DEPTHS:
        raise ValueError(f'depth must be one of {DEPTHS}, got {depth!r}.')
    report = Report()
    if getattr(cfg, 'filename', None):
        report.command = f'python tools/check_dataset.py {cfg.filename}'
    sets = list(build_sets(cfg, depth))
    labeled = {key: dataset for role, key, dataset in sets if role != 'unlabelled'}
    for key, dataset in labeled.items():
        report.problems += class_problems(key, dataset)
    report.problems += _set_problems(cfg, sets)
    if any(problem.kind == 'classes' for problem in report.problems):
        return report  # what else could be said would be wrong
    report.problems += _class_name_problems(labeled)
    report.problems += head_problems(cfg.get('model') or {}, next(iter(labeled.values())).metainfo['classes'])
    report.problems += ignore_problems(cfg, dict(one for key, set_ in labeled.items() for one in leaves(key, set_)))
    for role, key, dataset in sets:
        check_set(report, role, key, dataset, depth, cfg)
    return report


def build_sets(cfg: dict, depth: str) -> Iterator[Tuple[str, str, BaseDataset]]:
    """Role, place in the config and dataset of each set."""
    key = 'train_dataloader.dataset'
    dataset = build_set(key, cfg['train_dataloader']['dataset'])
    if isinstance(dataset, SemiDataset):
        yield 'labelled', f'{key}.labeled', dataset.labeled
        if dataset.unlabeled is not None:
            yield 'unlabelled', f'{key}.unlabeled', dataset.unlabeled
    else:
        yield 'labelled', key, dataset
    seen: List[Any] = []
    for role in ('val', 'test')[: 1 if depth == 'sample' else 2]:
        loader = cfg.get(f'{role}_dataloader')
        if loader and loader['dataset'] not in seen:
            seen.append(loader['dataset'])
            yield role, f'{role}_dataloader.dataset', build_set(f'{role}_dataloader.dataset', loader['dataset'])


def build_set(key: str, cfg: dict) -> BaseDataset:
    """Build a dataset.

    Args:
        key: Its place in the config.
        cfg: Its config.

    Raises:
        DatasetError: It cannot be built; an absent folder comes with the hint how to get the data.
    """
    require_data(cfg)
    try:
        dataset = DATASETS.build(cfg)
        dataset.full_init()
    except DatasetError:
        raise
    except Exception as error:  # the host asserts, and wraps errors of all kinds
        raise DatasetError(f'{key} ({cfg.get("type")}) cannot be built: {type(error).__name__}: {error}') from error
    return dataset


def _set_problems(cfg: dict, sets: List[Tuple[str, str, BaseDataset]]) -> Iterator[Problem]:
    """What is wrong with the sizes of the labelled and the unlabelled set."""
    loader, by_role = cfg['train_dataloader'], {role: dataset for role, _, dataset in sets}
    labeled, unlabeled = by_role['labelled'], by_role.get('unlabelled')
    if loader['dataset'].get('type') != 'SemiDataset':
        return
    batch = loader.get('batch_size', 1) * get_world_size()
    if len(labeled) < batch:
        yield Problem(
            'sizes of sets',
            f'The labelled set ({name_of(labeled)}) has {len(labeled)} image(s), the batch '
            f'{batch}: set train_dataloader.batch_size to at most {len(labeled)} over all '
            'processes, or take a larger list.',
        )
    if unlabeled is None:
        return
    size, wanted = len(unlabeled), batch * loader['dataset'].get('unlabeled_per_labeled', 1)
    distinct = loader['sampler'].get('distinct') or size - size // 4
    if distinct < wanted <= size:
        yield Problem(
            'sizes of sets',
            f'A batch takes {wanted} of {size} unlabelled images, but only {distinct} are sure to '
            f'differ: set train_dataloader.sampler.distinct={wanted}.',
        )


def _class_name_problems(datasets: Dict[str, BaseDataset]) -> Iterator[Problem]:
    """Sets with masks whose classes are not those of the labelled images."""
    (first, labeled), *others = datasets.items()
    for key, dataset in others:
        wanted, came = list(labeled.metainfo['classes']), list(dataset.metainfo['classes'])
        if wanted != came:
            yield Problem(
                'class names',
                f'{key} has the classes {", ".join(came[:8])} ({len(came)}), {first} has {", ".join(wanted[:8])} '
                f'({len(wanted)}). Give both the same metainfo, in the same order.',
            )
