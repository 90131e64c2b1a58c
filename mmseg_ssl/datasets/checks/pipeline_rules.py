"""Rules for pipelines: one image runs through each, before a worker fails in the first step."""

import re
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset

from ...structures import IGNORE_INDEX, UNLABELED
from ...utils.nested import nested_dicts
from ...utils.random import fold, seeded
from ..pipelines import pipeline_steps
from .report import Problem

PIPELINES = dict(
    labeled_pipeline='train_dataloader.dataset.labeled.pipeline',
    unlabeled_pipeline='train_dataloader.dataset.unlabeled.pipeline',
    test_pipeline='val_dataloader.dataset.pipeline and test_dataloader.dataset.pipeline',
)
"""Variables of the configs, and the settings that they are for."""


def unread_warnings(cfg: dict, names: Sequence[str] = tuple(PIPELINES)) -> Iterator[Problem]:
    """Yield pipelines that a config which inherits gives a name, but no set: they change nothing.

    Args:
        cfg: The whole config; of one that was not read from a file nothing is known.
        names: Variables that are looked at.
    """
    path = Path(getattr(cfg, 'filename', None) or '')
    text = path.read_text(encoding='utf-8', errors='replace') if path.is_file() else ''  # of a string, it is gone
    train, *scored = ((cfg.get(f'{part}_dataloader') or {}).get('dataset') or {} for part in ('train', 'val', 'test'))
    for name in names if re.search(r'^_base_\s*=', text, re.M) else ():
        sets = dict(labeled_pipeline=train, unlabeled_pipeline=train.get('unlabeled'), test_pipeline=scored)[name]
        used = [part['pipeline'] for part in nested_dicts(sets) if part.get('pipeline')]
        if used and cfg.get(name) not in used and re.search(rf'^{name}\s*=', text, re.M):
            yield Problem(
                'unread pipeline',
                f'{path}: {name} differs from the pipelines of the sets, so nothing reads it: a config that inherits '
                f'changes a set only by its own settings. Set {PIPELINES[name]}, too, or remove it.',
            )


def run_pipeline(key: str, dataset: BaseDataset, index: int, masked: bool) -> Tuple[Any, List[Problem]]:
    """Run one image through the pipeline of a dataset.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
        index: Index of an image whose files are good.
        masked: The pipeline must return a mask, too.

    Returns:
        The packed tensor (None if there is none) and problems.
    """
    results, step = dataset.get_data_info(index), None
    path, seen = results['img_path'], _MaskValues(dataset)
    try:
        with seeded(fold(0, index)):
            for step in pipeline_steps(dataset):
                results = step(results)
                if results is None:  # this step filters images
                    return None, []
                seen.after(step, results)
    except Exception as error:  # any step may raise anything
        text = f'{key}: step {type(step).__name__} of its pipeline fails on {path}: {type(error).__name__}: {error}.'
        return None, [Problem('pipeline', f'{text} Correct this step, or one before it.')]
    if 'inputs' not in results:
        fix = 'Begin with LoadImageFromFile, and end with PackSemiInputs for training or PackSegInputs for validation.'
        return None, [Problem('pipeline', f'{key}: its pipeline returns no packed image. {fix}')]
    if masked and 'gt_sem_seg' not in results.get('data_samples', ()):
        fix = 'Add LoadAnnotations (or LoadScribbles) after LoadImageFromFile.'
        return results['inputs'], [Problem('pipeline', f'{key}: its pipeline returns no mask. {fix}')]
    return results['inputs'], list(seen.problems(key, path, results.get('data_samples', ())))


class _MaskValues:
    """The values of a mask on its way through a pipeline."""

    def __init__(self, dataset: BaseDataset) -> None:
        classes = dataset.metainfo.get('classes') or range(256)
        self.known = {*range(len(classes)), IGNORE_INDEX, getattr(dataset, 'ignore_index', IGNORE_INDEX)}
        self.scribbled = False
        self.changed: Any = None  # the step after which values of no class are in the mask

    def after(self, step: Any, results: dict) -> None:
        """Look at the mask after a step."""
        self.scribbled = self.scribbled or bool(results.get('scribbled'))
        if results.get('gt_seg_map') is not None:
            odd = self._odd(results['gt_seg_map']) - ({UNLABELED} if self.scribbled else set())
            self.changed = (self.changed or step) if odd else None

    def problems(self, key: str, path: str, sample: Any) -> Iterator[Problem]:
        """Yield a problem of the packed mask; values that are in the file are a problem of the file."""
        odd = self._odd(sample.gt_sem_seg.data) if 'gt_sem_seg' in sample else set()
        if self.scribbled and 'gt_sem_seg' in sample and 'unlabeled_mask' not in sample:
            yield Problem(
                'pipeline',
                f'{key}: LoadScribbles marks unlabeled pixels, but the last step of its pipeline leaves the marks in '
                'the mask, as if they were a class. Write PackSemiInputs in place of PackSegInputs.',
            )
        elif odd and self.changed is not None and not isinstance(self.changed, LoadAnnotations):
            name = type(self.changed).__name__
            yield Problem(
                'pipeline',
                f'{key}: step {name} of its pipeline makes values of no class in the mask of {path}: '
                f'{", ".join(map(str, sorted(odd)[:8]))}. It may blend the classes along edges. Remove it, or take a '
                'step that leaves the values of masks as they are (nearest neighbor).',
            )

    def _odd(self, mask: Any) -> Set[int]:
        values = np.asarray(mask).ravel()
        # counted, not sorted: masks of Cityscapes have two million pixels
        found = np.flatnonzero(np.bincount(values)) if values.dtype == np.uint8 else np.unique(values)
        return set(found.tolist()) - self.known


def channel_problems(key: str, inputs: Any, model: dict) -> Iterator[Problem]:
    """Yield a problem if images have other channels than the preprocessor or the network.

    Args:
        key: Place of the dataset in the config.
        inputs: From :func:`run_pipeline`.
        model: Config of the model.
    """
    if getattr(inputs, 'ndim', 0) != 3 or not model:
        return
    channels = inputs.shape[0]
    mean = (model.get('data_preprocessor') or {}).get('mean')
    segmentor = model.get('segmentor') or model
    backbone = segmentor.get('backbone') or {}
    wanted = {'model.data_preprocessor.mean': len(mean) if mean is not None else channels}
    if backbone:
        wanted['the backbone (in_channels)'] = backbone.get('in_channels', 3)
    wrong = [f'{name} is for {number}' for name, number in wanted.items() if number not in (channels, None)]
    if wrong:
        yield Problem(
            'channels',
            f'{key}: its pipeline returns images with {channels} channel(s), but {" and ".join(wrong)}. Make '
            'color_type of LoadImageFromFile (color 3, grayscale 1, unchanged those of the file), data_preprocessor '
            'mean and std, and in_channels of the backbone agree.',
        )


def batch_problems(key: str, batch: int, dataset: BaseDataset, indices: Sequence[int]) -> Iterator[Problem]:
    """Yield a problem if the host cannot stack the images of a validation batch.

    Args:
        key: Place of the dataloader in the config.
        batch: Its batch size.
        dataset: A built dataset.
        indices: One image of each size that occurs in the files.
    """
    first: Optional[Tuple[tuple, str]] = None
    for index in indices if batch > 1 else ():
        inputs, problems = run_pipeline(key, dataset, index, masked=False)
        if problems or inputs is None:
            return
        path = dataset.get_data_info(index)['img_path']
        first = first or (tuple(inputs.shape), path)
        if tuple(inputs.shape) != first[0]:
            sizes = [f'{shape[2]}x{shape[1]} ({name})' for shape, name in (first, (tuple(inputs.shape), path))]
            yield Problem(
                'validation batch',
                f'{key}.batch_size is {batch}, but images leave the pipeline with different sizes, {sizes[0]} and '
                f'{sizes[1]}, and cannot be stacked. Set {key}.batch_size=1, or resize to one size in the pipeline, '
                'or pad to one: model.data_preprocessor.test_cfg=dict(size=(height, width)).',
            )
            return
