"""Rules for the views that pipelines give a network: what is random, distorted, or normalized in another way."""

from typing import Any, Iterator, List

from mmcv.transforms import LoadAnnotations
from mmengine.dataset import BaseDataset

from ..pipelines import pipeline_steps
from .report import Problem

COLOR_STEPS = ('PhotoMetricDistortion', 'RandomCutOut', 'Albu', 'RandomMosaic')
"""Steps that change more than the geometry."""
IMAGENET = (123.675, 116.28, 103.53)
"""ImageNet's mean of red, green, blue, with which the weights of most backbones were trained."""


def evaluation_problems(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield random steps of a set for validation or test that make image and mask differ.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    for step in _moving_steps(dataset):
        name = type(step).__name__
        why = 'turns masks, too, while predictions are turned back' if name == 'RandomFlip' else 'cuts a part out'
        yield Problem(
            'random evaluation',
            f'{key}: {name} in its pipeline {why}, so predictions would be compared with other pixels. Remove it: '
            'nothing is random in validation and test.',
        )


def evaluation_warnings(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield other random steps of a set for validation or test: the scores would depend on chance.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    refused = _moving_steps(dataset)
    names = [type(step).__name__ for step in pipeline_steps(dataset) if _is_random(step) and step not in refused]
    if names:
        yield Problem(
            'random evaluation',
            f'{key}: {", ".join(names)} in its pipeline: the scores depend on chance. Remove it from validation and '
            'test.',
        )


def _moving_steps(dataset: BaseDataset) -> List[Any]:
    """List the random steps after which mask and prediction lie apart."""
    found, masked = [], False
    for step in pipeline_steps(dataset):
        masked = masked or isinstance(step, LoadAnnotations)
        name = type(step).__name__
        if name == 'RandomCrop' or (name == 'RandomFlip' and _is_random(step) and masked):
            found.append(step)
    return found


def _is_random(step: Any) -> bool:
    """Tell if a step of a pipeline draws anything."""
    name = type(step).__name__
    if name == 'RandomFlip':
        return any(step.prob if isinstance(step.prob, list) else [step.prob])  # one number per direction, or one
    return name.startswith('Random') or name in COLOR_STEPS


def weak_view_warnings(key: str, dataset: BaseDataset, model: dict) -> Iterator[Problem]:
    """Yield steps that distort the weak view, from which labels are made for the strong one.

    Args:
        key: Place of the unlabeled dataset in the config.
        dataset: A built dataset.
        model: Config of the model.
    """
    names = [type(step).__name__ for step in pipeline_steps(dataset) if type(step).__name__ in COLOR_STEPS]
    if names and (model.get('data_preprocessor') or {}).get('strong'):
        yield Problem(
            'weak view',
            f'{key}: {", ".join(names)} in its pipeline distorts the weak view, too, from which labels are made. '
            'Remove it: model.data_preprocessor.strong makes the strong view.',
        )


def value_problems(model: dict, inputs: Any) -> Iterator[Problem]:
    """Yield a normalization that is made for values from 0 to 1, where images have 0 to 255.

    Args:
        model: Config of the model.
        inputs: A packed image.
    """
    preprocessor = model.get('data_preprocessor') or {}
    mean, std = preprocessor.get('mean') or [1], preprocessor.get('std') or [1]
    if max(mean) < 1 and max(std) < 1 and getattr(inputs, 'ndim', 0) == 3 and inputs.max() > 2:
        yield Problem(
            'normalization',
            f'model.data_preprocessor has mean {list(mean)} and std {list(std)}, for values from 0 to 1, but the '
            'pipeline returns 0 to 255. Multiply both by 255.',
        )


def color_warnings(model: dict) -> Iterator[Problem]:
    """Yield a mean of red, green, blue where images come as blue, green, red, or the other way round.

    Args:
        model: Config of the model.
    """
    preprocessor = model.get('data_preprocessor') or {}
    turned = bool(preprocessor.get('bgr_to_rgb') or preprocessor.get('rgb_to_bgr'))
    mean = [round(value, 1) for value in preprocessor.get('mean') or []]
    wrong = [round(value, 1) for value in (IMAGENET[::-1] if turned else IMAGENET)]
    if mean == wrong:
        orders = ('blue, green, red', 'red, green, blue')
        yield Problem(
            'color order',
            f"model.data_preprocessor.mean is ImageNet's of {orders[not turned]}, but with bgr_to_rgb={turned} images "
            f'are {orders[turned]}. Set bgr_to_rgb={not turned}, or reverse mean and std.',
        )
