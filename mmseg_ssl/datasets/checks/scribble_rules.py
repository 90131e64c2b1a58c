"""Rules for scribbles: masks, loader and method must agree on which pixels nobody labeled."""

from typing import Any, Iterator, List

from mmengine.dataset import BaseDataset
from mmseg.registry import MODELS

from ...structures import IGNORE_INDEX, UNLABELED
from ..pipelines import pipeline_steps
from ..transforms import find_scribble_loader
from .mask_files import MaskFacts
from .report import Problem

MOST = 0.5
"""Share of void pixels from which on void is taken to mean unlabeled."""


def void_problems(key: str, dataset: BaseDataset, masks: List[MaskFacts], model: dict) -> Iterator[Problem]:
    """Yield a problem if a method that learns between scribbles is given masks in which all of that is void.

    Args:
        key: Place of the labeled dataset in the config.
        dataset: A built dataset.
        masks: Its readable masks.
        model: Config of the model; its class says so with ``learns_between_scribbles``.
    """
    kind = model.get('type')
    method: Any = MODELS.get(kind) if isinstance(kind, str) else kind
    classes = {int(value) for mask in masks for value in mask.values} - {IGNORE_INDEX}
    if find_scribble_loader(dataset) or not getattr(method, 'learns_between_scribbles', False) or len(classes) < 2:
        return  # masks of 0 and 255 alone have a rule of their own
    void = sum(int(mask.counts[mask.values == IGNORE_INDEX].sum()) for mask in masks)
    share = void / sum(int(mask.counts.sum()) for mask in masks)
    if share > MOST:
        yield Problem(
            'void',
            f'{key}: {share:.0%} of the pixels are {IGNORE_INDEX}, which is void here: {method.__name__} is taught '
            'nothing between the scribbles. In place of LoadAnnotations write dict(type="LoadScribbles", '
            f'unlabeled_value={IGNORE_INDEX}, void_value=None), and end the pipeline with PackSemiInputs.',
        )


def full_mask_problems(key: str, dataset: BaseDataset, masks: List[MaskFacts]) -> Iterator[Problem]:
    """Yield a problem if masks are loaded as scribbles, but every pixel of them is labeled.

    Args:
        key: Place of the labeled dataset in the config.
        dataset: A built dataset.
        masks: Its readable masks.
    """
    loader = find_scribble_loader(dataset)
    if loader and masks and not any(loader.unlabeled_value in mask.values for mask in masks):
        yield Problem(
            'no scribbles',
            f'{key}: no pixel of its {len(masks)} masks ({masks[0].path}, ...) is unlabeled '
            f'({loader.unlabeled_value}), so these are no scribbles. Correct the folder; write LoadAnnotations for '
            'full masks; or, if another value means unlabeled, give LoadScribbles unlabeled_value (if it is the index '
            f'of a class, as 0 is, rewrite it as {UNLABELED} in the masks).',
        )


def crop_warnings(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield a crop that is chosen by its classes, and takes the unlabeled pixels of scribbles for one of them.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    for step in pipeline_steps(dataset) if find_scribble_loader(dataset) else ():
        if getattr(step, 'cat_max_ratio', 1.0) < 1 and getattr(step, 'ignore_index', UNLABELED) != UNLABELED:
            yield Problem(
                'crop of scribbles',
                f'{key}: {type(step).__name__} with cat_max_ratio={step.cat_max_ratio} in its pipeline takes the '
                f'unlabeled pixels ({UNLABELED}) for a class, so that almost no crop will do and a random one is '
                f'taken. Set its ignore_index={UNLABELED}.',
            )
