"""The whole check: builds the sets of a config, reads their files, and compares them with the config."""

import shlex
from typing import Any, Dict, Iterator, List, Tuple

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from ...errors import DatasetError
from ...utils.choices import one_of
from ..batch_sizes import expected_world_size, size_problems
from ..data_summary import find_overlap
from ..semi_dataset import SemiDataset
from ..sources import require_data
from .config_rules import class_problems, head_problems, ignore_problems, preprocessor_problems
from .look import leaves
from .pipeline_rules import unread_warnings
from .report import Problem, Report
from .scale_rules import geometry_warnings
from .set_rules import DEPTHS, check_set
from .view_rules import color_warnings


def check_semi_dataset(cfg: dict, depth: str = 'sample') -> Report:
    """Check the data of a config, and raise an error if something is wrong.

    Args:
        cfg: See :func:`inspect_data`.
        depth: See :func:`inspect_data`.

    Returns:
        The report; its warnings belong into the run's log, see :meth:`Report.log`.

    Raises:
        DatasetError: Lists the problems, each with the file and the fix.
    """
    report = inspect_data(cfg, depth)
    report.stop_on_problems()
    return report


def check_scored_set(cfg: dict, role: str) -> Report:
    """Check images and masks that are to be scored, and raise an error if something is wrong.

    A value that stands for no class would be counted as a wrong prediction, or, above 255, as another class; a damaged
    file would end the test at its image. Every mask is decoded; of images header and end are read.

    Args:
        cfg: A whole config; default scope ``mmseg``.
        role: ``'val'`` or ``'test'``: the set of this ``<role>_dataloader``.

    Returns:
        The report; its warnings belong into the log.

    Raises:
        DatasetError: The set cannot be built; or lists the problems, each with the file and the fix.
    """
    report, key = Report(), f'{role}_dataloader.dataset'
    dataset = build_set(key, cfg[f'{role}_dataloader']['dataset'])
    if not all(isinstance(leaf, BaseDataset) for _, leaf in leaves(key, dataset)):
        return report  # somebody's own kind, whose files nobody knows
    report.problems += class_problems(key, dataset)
    report.warnings += unread_warnings(cfg, ['test_pipeline'])
    if not report.problems:
        check_set(report, role, key, dataset, 'headers', cfg)
    report.problems = [one for one in report.problems if one.kind != 'no object']  # of a few images, that may be so
    report.stop_on_problems()
    return report


def inspect_data(cfg: dict, depth: str = 'headers') -> Report:
    """Check everything that a config says about its data, and the files.

    Labeled images and all masks are decoded. Of other images only header and end are read, which reveals truncated
    files; with depth ``pixels`` they are decoded, too.

    Args:
        cfg: A whole config with ``train_dataloader``; default scope ``mmseg``.
        depth: ``sample``: before training, without the test set, at most 2,000 unlabeled images and 200 of validation
            (evenly spaced). ``headers``: every file. ``pixels``: every file is decoded.

    Returns:
        The report.

    Raises:
        DatasetError: A set cannot be built: a folder is missing, a list is wrong.
        ValueError: The depth is not one of these.
    """
    one_of(DEPTHS, depth=depth)
    report = Report()
    path = getattr(cfg, 'filename', None)  # of a Config that was read from a file
    if path:
        report.command = f'python tools/check_dataset.py {shlex.quote(str(path))}'
    sets = list(build_sets(cfg, depth))
    labeled = {key: dataset for role, key, dataset in sets if role != 'unlabeled'}
    for key, dataset in labeled.items():
        report.problems += class_problems(key, dataset)
    report.problems += _set_problems(cfg, sets)
    if any(problem.kind == 'classes' for problem in report.problems):
        return report  # all further rules depend on the classes
    report.problems += _class_name_problems(labeled)
    report.problems += head_problems(cfg.get('model') or {}, next(iter(labeled.values())).metainfo['classes'])
    report.problems += preprocessor_problems(cfg.get('model') or {})
    report.problems += ignore_problems(cfg, dict(one for key, set_ in labeled.items() for one in leaves(key, set_)))
    for role, key, dataset in sets:
        check_set(report, role, key, dataset, depth, cfg)
    report.warnings += [*_view_warnings(report, sets, cfg.get('model') or {}), *unread_warnings(cfg)]
    if depth != 'sample':  # before training, DataSummaryHook compares the sets
        data_hook = (cfg.get('default_hooks') or {}).get('data') or {}
        overlaps = list(_overlap_problems(sets))
        (report.warnings if data_hook.get('allow_overlap') else report.problems).extend(overlaps)
    return report


def _view_warnings(report: Report, sets: List[Tuple[str, str, BaseDataset]], model: dict) -> Iterator[Problem]:
    """Yield what is doubtful about the pipelines of all sets together."""
    sizes = {one.role: one.sizes.most_common(1)[0][0] for one in report.sets if one.sizes}
    first = {role: next(leaves(key, dataset)) for role, key, dataset in sets}  # of a wrapper the first dataset
    yield from geometry_warnings({role: (*one, sizes.get(role)) for role, one in first.items()}, model)
    yield from color_warnings(model)


def build_sets(cfg: dict, depth: str) -> Iterator[Tuple[str, str, BaseDataset]]:
    """Yield role, place in the config and dataset of each set."""
    key = 'train_dataloader.dataset'
    dataset = build_set(key, cfg['train_dataloader']['dataset'])
    if isinstance(dataset, SemiDataset):
        yield 'labeled', f'{key}.labeled', dataset.labeled
        if dataset.unlabeled is not None:
            yield 'unlabeled', f'{key}.unlabeled', dataset.unlabeled
    else:
        yield 'labeled', key, dataset
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
        DatasetError: It cannot be built; for a missing folder, the message says how to get the data.
    """
    require_data(cfg)
    try:
        dataset = DATASETS.build(cfg)
        dataset.full_init()
    except DatasetError:
        raise
    except Exception as error:  # the host raises errors of all kinds, assertions among them
        raise DatasetError(f'{key} ({cfg.get("type")}) cannot be built: {type(error).__name__}: {error}') from error
    return dataset


def _set_problems(cfg: dict, sets: List[Tuple[str, str, BaseDataset]]) -> Iterator[Problem]:
    """Yield problems of the sizes of the labeled and the unlabeled set."""
    loader, by_role = cfg['train_dataloader'], {role: dataset for role, _, dataset in sets}
    if 'labeled' not in loader['dataset']:
        return
    unlabeled = by_role.get('unlabeled')
    ratio = 0 if unlabeled is None else loader['dataset'].get('unlabeled_per_labeled', 1)
    size = len(unlabeled) if unlabeled is not None and ratio else 0
    distinct, processes = loader['sampler'].get('distinct'), expected_world_size()
    batch = loader.get('batch_size', 1)
    for text in size_problems(batch, len(by_role['labeled']), size, ratio, distinct, processes):
        yield Problem('sizes of sets', text)


def _overlap_problems(sets: List[Tuple[str, str, BaseDataset]]) -> Iterator[Problem]:
    """Yield sets for validation or test that contain labeled images or copies of them."""
    (_, _, labeled), *others = sets
    for role, key, dataset in others:
        shared = [] if role == 'unlabeled' else find_overlap(labeled, role, dataset).labeled
        if shared:
            yield Problem(
                'overlap',
                f'{key}: it contains {len(shared)} labeled image(s), or copies of them: {", ".join(shared[:3])}. '
                'Take them out of one of the lists.',
            )


def _class_name_problems(datasets: Dict[str, BaseDataset]) -> Iterator[Problem]:
    """Yield sets whose classes differ from those of the labeled images."""
    (first, labeled), *others = datasets.items()
    for key, dataset in others:
        wanted, came = list(labeled.metainfo['classes']), list(dataset.metainfo['classes'])
        if wanted != came:
            yield Problem(
                'class names',
                f'{key} has the classes {", ".join(came[:8])} ({len(came)}), {first} has {", ".join(wanted[:8])} '
                f'({len(wanted)}). Give both the same metainfo, in the same order.',
            )
