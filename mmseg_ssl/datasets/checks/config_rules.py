"""Rules for settings that stand in two places of a config and must agree."""

from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from mmengine.dataset import BaseDataset
from mmseg.models.losses.utils import get_class_weight

from ...structures import IGNORE_INDEX
from ..pipelines import pipeline_steps
from .report import Problem

MOST = 0.8
"""Share of labeled pixels from which on it hardly matters whether a loss is divided by the others, too."""
PLAIN = ('Supervised', 'EncoderDecoder', 'CascadeEncoderDecoder')
"""Models whose only ignored value is that of their head."""
NORMALIZING = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')
"""Options of a preprocessor that change the values of images."""
OWN_LABELS = ('STDCHead',)
"""Heads that make their own labels, so their number of classes is not the dataset's."""


def class_problems(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield problems of a dataset's list of classes.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    classes = dataset.metainfo.get('classes')
    if not isinstance(classes, (list, tuple)) or not classes:
        came = 'none are set' if not classes else f'classes is {classes!r}, a {type(classes).__name__}'
        yield Problem(
            'classes',
            f"{key}: the dataset must name its classes, but {came}. Write metainfo=dict(classes=('background', "
            "'object'), palette=[[0, 0, 0], [255, 255, 255]]), one name per index in the masks.",
        )
    elif len(classes) == 1:
        yield Problem(
            'classes',
            f'{key}: one class ({classes[0]!r}) leaves nothing to tell it from. Binary segmentation has two, '
            f"background 0 and object 1: write metainfo=dict(classes=('background', {classes[0]!r})) on every dataset, "
            'and num_classes=2 in the heads (one channel with use_sigmoid=True: num_classes=2, out_channels=1).',
        )


def zero_label_problems(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield pipeline steps whose ``reduce_zero_label`` differs from the dataset's.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    wanted = getattr(dataset, 'reduce_zero_label', False)
    for step in pipeline_steps(dataset):
        came = getattr(step, 'reduce_zero_label', None)
        if came is not None and bool(came) != bool(wanted):
            yield Problem(
                'reduce_zero_label',
                f'{key}: reduce_zero_label is {wanted} for the dataset and {came} in {type(step).__name__} of its '
                'pipeline. Remove it from the pipeline: the step takes the value of the dataset.',
            )


def head_problems(model: dict, classes: Tuple[str, ...]) -> Iterator[Problem]:
    """Yield heads and losses that are made for another number of classes.

    Args:
        model: Config of the model.
        classes: Classes of the labeled data.
    """
    number = len(classes)
    for path, head, inside in _dicts(model, 'model'):
        came = head.get('num_classes')
        if head.get('type') in OWN_LABELS:
            continue
        if came is not None and came != number and number > 1:
            yield Problem(
                'num_classes',
                f'{path}.num_classes is {came}, but the data have {number} classes ({", ".join(classes[:8])}'
                f'{", ..." if number > 8 else ""}). Set {path}.num_classes={number}.',
            )
        weights = _weights(head.get('class_weight'))
        # a sigmoid has one weight, for class 1; HardPixelCrossEntropy has one weight per class even there
        wanted = 1 if inside.get('out_channels') == 1 and head.get('use_sigmoid') else number
        if weights is not None and len(weights) != wanted:
            yield Problem(
                'class_weight',
                f'{path}.class_weight has {len(weights)} weights, but the data have {number} classes: it comes from '
                f'another dataset. Give {wanted} weight(s), or set {path}.class_weight=None.',
            )


def preprocessor_problems(model: dict) -> Iterator[Problem]:
    """Yield a preprocessor inside of ``segmentor`` that says something else than the model's: nothing reads it.

    Args:
        model: Config of the model.
    """
    inner = (model.get('segmentor') or {}).get('data_preprocessor') or {}
    own = model.get('data_preprocessor') or {}
    unequal = [key for key in NORMALIZING if key in inner and inner[key] != own.get(key)]
    if unequal:
        yield Problem(
            'preprocessor',
            f'model.segmentor.data_preprocessor sets {", ".join(unequal)}, which nothing reads: a method has one '
            'preprocessor for all its networks. Move them to model.data_preprocessor.',
        )


def weight_warnings(model: dict, pixels: np.ndarray) -> Iterator[Problem]:
    """Yield class weights that are larger for frequent classes: they may belong to a dataset with as many classes.

    Args:
        model: Config of the model.
        pixels: Number of labeled pixels per class.
    """
    for path, loss, _ in _dicts(model, 'model'):
        weights = _weights(loss.get('class_weight'))
        if weights is None or len(weights) != len(pixels) or len(pixels) < 3 or len(set(weights)) == 1:
            continue
        ranks = [np.argsort(np.argsort(values)) for values in (weights, pixels)]
        if np.corrcoef(ranks)[0, 1] > 0.2:
            yield Problem(
                'class_weight',
                f'{path}.class_weight is {list(weights)}: frequent classes get the larger weights. If it is copied '
                f'from another dataset, set {path}.class_weight=None.',
            )


def average_warnings(model: dict, labeled: float) -> Iterator[Problem]:
    """Yield cross entropies that are divided by ignored pixels, too, where there are many.

    Args:
        model: Config of the model.
        labeled: Share of the pixels of the labeled images that have a label.
    """
    for path, loss, _ in _dicts(model, 'model'):
        if loss.get('type') == 'CrossEntropyLoss' and not loss.get('avg_non_ignore') and labeled < MOST:
            yield Problem(
                'average',
                f'{path} is divided by all pixels, of which {labeled:.0%} are labeled: it is that much smaller, and '
                f'images with fewer labels count less. Set {path}.avg_non_ignore=True.',
            )


def ignore_problems(cfg: dict, datasets: Dict[str, BaseDataset]) -> Iterator[Problem]:
    """Yield a problem if the places that name the ignored value disagree.

    Args:
        cfg: The whole config.
        datasets: Built datasets with masks, by their place in the config.
    """
    model = cfg.get('model') or {}
    found = {f'{key}.ignore_index': getattr(one, 'ignore_index', IGNORE_INDEX) for key, one in datasets.items()}
    for path, part, _ in _dicts(model, 'model'):
        if 'num_classes' in part or 'ignore_index' in part:
            found[f'{path}.ignore_index'] = part.get('ignore_index', IGNORE_INDEX)
    if model:
        preprocessor = model.get('data_preprocessor') or {}
        found['model.data_preprocessor.seg_pad_val'] = preprocessor.get('seg_pad_val', IGNORE_INDEX)
    for name in ('val_evaluator', 'test_evaluator'):
        metrics = cfg.get(name) or []
        for number, metric in enumerate(metrics if isinstance(metrics, (list, tuple)) else [metrics]):
            place = f'{name}.{number}' if isinstance(metrics, (list, tuple)) else name
            if isinstance(metric, dict):
                found[f'{place}.ignore_index'] = metric.get('ignore_index', IGNORE_INDEX)
    values = list(dict.fromkeys(value for value in found.values() if value is not None))
    if len(values) > 1 or (values != [IGNORE_INDEX] and values and model.get('type') not in PLAIN):
        places = ', '.join(f'{place} is {value}' for place, value in found.items() if value != IGNORE_INDEX)
        yield Problem(
            'ignore_index',
            f'{places}, elsewhere the ignored value is {IGNORE_INDEX}. All places need the same value, and the methods '
            f'use {IGNORE_INDEX}: remove these settings, and write {IGNORE_INDEX} into the masks '
            '(tools/check_dataset.py CONFIG --fix OUT --map OLD=255).',
        )


def _weights(value: Any) -> Optional[List[float]]:
    """Return the class weights of a loss, which may stand in a file as in the host."""
    return None if value is None else [float(weight) for weight in get_class_weight(value)]


def _dicts(node: Any, path: str, head: Optional[dict] = None) -> Iterator[Tuple[str, dict, dict]]:
    """Yield every dict of a config with its place and the head that contains it; backbones have their own classes."""
    if isinstance(node, dict):
        head = node if head is None or 'num_classes' in node else head
        yield path, node, head
        for key, value in node.items():
            if key not in ('backbone', 'data_preprocessor', 'pretrained', 'init_cfg'):
                yield from _dicts(value, f'{path}.{key}', head)
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from _dicts(value, f'{path}.{number}', head)
