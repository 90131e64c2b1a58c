"""Rules for the sizes at which pipelines show images: those of all sets, and the preprocessor's."""

import math
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmcv.image import rescale_size
from mmengine.dataset import BaseDataset

from ..pipelines import pipeline_steps
from .image_files import Size
from .report import Problem

PLAIN = ['LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs']
"""Steps of a pipeline that shows images for validation as they are."""
TWICE = 2.05
"""Factor between the scales of training and of validation from which on they are doubted."""


def geometry_warnings(sets: Dict[str, Tuple[str, BaseDataset, Optional[Size]]], model: dict) -> Iterator[Problem]:
    """Yield sets that show the network objects of other sizes than the labeled images do.

    Args:
        sets: By role the place in the config, the dataset and the size of its images, if they have one.
        model: Config of the model.
    """
    key, labeled, size = sets['labeled']
    if 'unlabeled' in sets:
        other, unlabeled, _ = sets['unlabeled']
        mine, theirs = _geometry(labeled), _geometry(unlabeled)
        if mine != theirs:
            yield Problem(
                'geometry',
                f'{key} has {_listed(mine)} in its pipeline, {other} {_listed(theirs)}: the network sees them at '
                'different sizes. Use the same steps in both, but for those that load masks.',
            )
    padded = (model.get('data_preprocessor') or {}).get('size')
    crops = [step.crop_size for step in pipeline_steps(labeled) if type(step).__name__ == 'RandomCrop']
    if padded and crops and 2 * math.prod(crops[-1]) < math.prod(padded):
        yield Problem(
            'geometry',
            f'{key} has crops of {tuple(crops[-1])}, which model.data_preprocessor.size pads to {tuple(padded)}: most '
            'of what is computed is padding. Give both the same size.',
        )
    for role in ('val', 'test'):
        judged, dataset, seen = sets.get(role, ('', labeled, None))
        if size and seen:
            ratio = _scale(dataset, seen) / _scale(labeled, size)
            # objects are as large in files of one kind, or fill as much of an image: one of the two has to hold
            inside = ratio * math.sqrt(math.prod(seen) / math.prod(size))
            if not any(1 / TWICE < value < TWICE for value in (ratio, inside)):
                yield Problem(
                    'geometry',
                    f'{judged}: its pipeline shows images at {ratio:.2g} times the scale of {key}. '
                    + _resize_fix(dataset, labeled),
                )


def _geometry(dataset: BaseDataset) -> List[str]:
    """List the steps that change sizes, with their settings."""
    found = []
    for step in pipeline_steps(dataset):
        name = type(step).__name__
        if name == 'RandomCrop':
            found.append(f'RandomCrop{tuple(step.crop_size)}')
        elif 'Resize' in name:
            settings = [getattr(step, key, None) for key in ('scale', 'scales', 'scale_factor', 'ratio_range')]
            found.append(f'{name}({", ".join(map(str, filter(None, settings)))})')
    return found


def _listed(steps: List[str]) -> str:
    return ', '.join(steps) or 'no resizing'


def _resize_fix(judged: BaseDataset, labeled: BaseDataset) -> str:
    """Return how to give a set for validation or test the scale of training."""
    known = [step for step in pipeline_steps(labeled) if _fixed_scale(step)]
    names = [type(step).__name__ for step in pipeline_steps(judged)]
    if not known or any('Resize' in name for name in names):
        scale = f'scale={tuple(known[-1].scale)}' if known else 'the scale of training'
        return f'Give Resize there {scale}, as the host does (without one, put it behind the step that loads images).'
    resize = f"dict(type='Resize', scale={tuple(known[-1].scale)}, keep_ratio={_keeps_ratio(known[-1])})"
    if names == PLAIN:
        first, *others = (f"dict(type='{name}')" for name in names)
        return f'Give it the scale of training, as the host does: pipeline=[{", ".join([first, resize, *others])}]'
    return f'Put {resize} behind the step that loads images, as the host does.'


def _fixed_scale(step: Any) -> bool:
    scale = getattr(step, 'scale', None)
    return 'Resize' in type(step).__name__ and isinstance(scale, (list, tuple)) and isinstance(scale[0], int)


def _keeps_ratio(step: Any) -> bool:
    return bool(getattr(step, 'keep_ratio', None) or (getattr(step, 'resize_cfg', None) or {}).get('keep_ratio'))


def _scale(dataset: BaseDataset, size: Size) -> float:
    """Return by how much a pipeline enlarges an image: the geometric mean of its range; 1 if that is not known."""
    factor = 1.0
    for step in pipeline_steps(dataset):
        ratios = getattr(step, 'ratio_range', None) or (1, 1)
        if _fixed_scale(step):
            new = rescale_size(size, tuple(step.scale)) if _keeps_ratio(step) else step.scale
            factor = math.sqrt(new[0] * new[1] / (size[0] * size[1]) * ratios[0] * ratios[1])
    return factor
