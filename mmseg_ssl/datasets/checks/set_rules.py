"""Checks one set: first each file, then all files together."""

from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
from mmengine.dataset import BaseDataset
from mmseg.datasets.transforms import LoadAnnotations

from ..transforms import LoadScribbles
from . import config_rules, image_rules, pipeline_rules, scribble_rules, view_rules
from .label_rules import count_classes, label_problems, label_warnings, value_problems
from .look import Seen, evenly_spaced, leaves, look_at
from .mask_files import MaskFacts, label_loader, meanings, unexplained
from .palettes import palette_warnings
from .report import Problem, Report, SetFacts
from .value_advice import mapping_advice

SAMPLED = {'unlabeled': 2000, 'val': 200}
"""Largest number of images of these sets that are looked at before training."""
TRIED = 8
"""Number of labeled images that run through their pipeline."""
DEPTHS = ('sample', 'headers', 'pixels')


def check_set(report: Report, role: str, key: str, dataset: BaseDataset, depth: str, cfg: dict) -> None:
    """Check one set of images.

    Args:
        report: The findings are added to it.
        role: ``labeled``, ``unlabeled``, ``val`` or ``test``.
        key: Place of the dataset in the config.
        dataset: A built dataset.
        depth: One of ``DEPTHS``.
        cfg: The whole config.
    """
    with_masks = role != 'unlabeled'
    facts = SetFacts(role, key, 0, 0, classes=tuple(dataset.metainfo['classes']) if with_masks else ())
    masks: List[Tuple[MaskFacts, np.ndarray]] = []
    for place, leaf in leaves(key, dataset):
        indices = evenly_spaced(len(leaf), SAMPLED.get(role) if depth == 'sample' else None)
        seen = look_at(leaf, indices, with_masks, decode=depth == 'pixels' or role == 'labeled')
        facts.images, facts.checked = facts.images + len(leaf), facts.checked + len(seen)
        facts.sizes.update(one.image.size for one in seen if one.image.size)
        known = meanings(leaf, leaf.get_data_info(0), len(facts.classes)) if with_masks and len(leaf) else np.zeros(0)
        masks += [(one.mask, known) for one in seen if one.mask and not one.mask.problem]
        report.problems += _file_problems(role, place, leaf, seen, known, report.command)
        report.problems += _leaf_problems(role, place, leaf, seen, cfg)
        pairs = [(one.image, one.mask.size) for one in seen if one.mask]
        report.warnings += image_rules.orientation_warnings(pairs)
        report.warnings += image_rules.left_out_warnings(place, leaf)
        report.warnings += scribble_rules.crop_warnings(place, leaf)
        report.warnings += _palette_warnings(place, leaf, seen, report.command)
        if role == 'unlabeled':
            report.warnings += view_rules.weak_view_warnings(place, leaf, cfg.get('model') or {})
        if role in ('val', 'test'):
            report.problems += view_rules.evaluation_problems(place, leaf)
            report.warnings += view_rules.evaluation_warnings(place, leaf)
            report.problems += _batch_problems(f'{role}_dataloader', leaf, seen, cfg)
    report.sets.append(facts)
    if masks:
        empty = count_classes(facts, masks)
        unusable = list(label_problems(facts, masks, report.command))
        report.problems += unusable
        explained = not any(len(unexplained(*one)) for one in masks)
        report.warnings += [] if unusable or not explained else label_warnings(facts, len(masks), empty)
        if role == 'labeled' and facts.pixels is not None:
            model = cfg.get('model') or {}
            total = sum(int(mask.counts.sum()) for mask, _ in masks)
            report.warnings += config_rules.weight_warnings(model, facts.pixels)
            report.warnings += config_rules.average_warnings(model, facts.pixels.sum() / max(total, 1))


def name_of(dataset: Any) -> str:
    """Return the list or the folder of a dataset.

    Args:
        dataset: A built dataset.
    """
    prefix = getattr(dataset, 'data_prefix', {})
    return getattr(dataset, 'ann_file', '') or prefix.get('img_path') or type(dataset).__name__


def _file_problems(
    role: str, key: str, dataset: BaseDataset, seen: List[Seen], known: np.ndarray, command: str
) -> Iterator[Problem]:
    """Yield problems of single files."""
    if not seen:
        yield Problem('empty', f'{name_of(dataset)} holds no image. Correct data_prefix, img_suffix or the list.')
    readable = [(one.mask, known) for one in seen if one.mask and not one.mask.problem]
    advice = mapping_advice(readable, dataset, command)
    for one in seen:
        path, mask = one.image.path, one.mask
        if one.image.problem == 'missing':
            yield Problem(
                'missing image',
                f'{path}: missing, but {name_of(dataset)} names it. Remove its line from the list, or correct '
                'data_prefix.img_path and img_suffix.',
            )
        elif one.image.problem:
            yield Problem(
                'damaged image', f'{path}: {one.image.problem}. Get the file again, or remove it from the set.'
            )
        if mask is None:
            if role in ('labeled', 'val'):
                yield Problem('no masks', f'{path}: no mask is configured. Set data_prefix.seg_map_path of {key}.')
            continue
        if mask.problem:
            fix = f'Convert colors to indices with the palette of the dataset: {command} --fix OUT'
            yield Problem(mask.kind, f'{mask.path}: {mask.problem}', fix if mask.kind == 'color mask' else '')
            continue
        if one.image.size and one.image.size != mask.size:
            yield Problem('sizes', _size_problem(one))
        if len(dataset.metainfo['classes']) > 1:
            yield from (Problem(kind, text, advice) for kind, text in value_problems(mask, known, dataset))


def _size_problem(one: Seen) -> str:
    """Return the message for image and mask of different sizes."""
    image, mask = one.image, one.mask
    assert image.size and mask and mask.size
    turned = ''
    if image.orientation != 1:
        turned = (
            f' The loader rotates the image by its EXIF orientation {image.orientation}: save it rotated and without '
            'the tag, and rotate the mask in the same way.'
        )
    return (
        f'{mask.path}: the mask is {mask.size[0]}x{mask.size[1]}, its image {image.path} is '
        f'{image.size[0]}x{image.size[1]}. Pair them correctly, or resize the mask with nearest neighbor.{turned}'
    )


def _leaf_problems(role: str, key: str, dataset: BaseDataset, seen: List[Seen], cfg: dict) -> Iterator[Problem]:
    """Yield problems of all images of a dataset together, and of its pipeline."""
    model: Dict[str, Any] = cfg.get('model') or {}
    good = [one for one in seen if not one.image.problem and not (one.mask and one.mask.problem)]
    deep = [(one.image.path, dataset.get_data_info(one.number)) for one in good if one.image.deep]
    mean = (model.get('data_preprocessor') or {}).get('mean')
    yield from image_rules.range_problems(key, dataset, deep, mean)
    yield from image_rules.depth_problems(key, dataset, [one.image for one in good])
    yield from image_rules.channel_problems(dataset, [(one.image, dataset.get_data_info(one.number)) for one in good])
    if role == 'labeled':  # where all is only scored, nothing depends on it
        masks = [one.mask for one in seen if one.mask and not one.mask.problem]
        yield from scribble_rules.void_problems(key, dataset, masks, model)
        yield from scribble_rules.full_mask_problems(key, dataset, masks)
    unequal = list(config_rules.zero_label_problems(key, dataset))
    yield from unequal
    if good and not unequal:
        inputs, failed = pipeline_rules.run_pipeline(key, dataset, good[0].number, role in ('labeled', 'val'))
        for one in good[1:TRIED] if role == 'labeled' and not failed else ():  # what is random may not act on the first
            failed = failed or pipeline_rules.run_pipeline(key, dataset, one.number, masked=False)[1]
        yield from failed
        yield from pipeline_rules.channel_problems(key, inputs, model)
        yield from view_rules.value_problems(model, inputs)


def _palette_warnings(key: str, dataset: BaseDataset, seen: List[Seen], command: str) -> Iterator[Problem]:
    """Yield a warning if palettes differ, unless a loader of the user's own reads the masks: it may read colors."""
    if type(label_loader(dataset)) in (LoadAnnotations, LoadScribbles):
        masks = [one.mask for one in seen if one.mask and not one.mask.problem]
        yield from palette_warnings(key, ((mask.path, mask.palette) for mask in masks), command)


def _batch_problems(key: str, dataset: BaseDataset, seen: List[Seen], cfg: dict) -> Iterator[Problem]:
    """Yield a problem if images cannot be stacked; tries one image of each size in the files, at most 20."""
    first: Dict[Any, int] = {}
    for one in seen:
        if one.image.size and not one.image.problem and not (one.mask and one.mask.problem):
            first.setdefault(one.image.size, one.number)
    batch = (cfg.get(key) or {}).get('batch_size', 1)
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or {}
    if (preprocessor.get('test_cfg') or {}).get('size'):
        return  # the preprocessor pads them to one size
    yield from pipeline_rules.batch_problems(key, batch, dataset, list(first.values())[:20])
