"""Steps of a dataset's pipeline, and rules for them: unlabeled images read no mask, all sets rotate images alike."""

from typing import Any, Iterator, List, Optional, Tuple

from mmcv.transforms import LoadAnnotations, LoadImageFromFile

from ..errors import DatasetError


def pipeline_steps(dataset: Any) -> List[Any]:
    """Return the steps of a dataset's own pipeline; steps inside of steps are not listed.

    Args:
        dataset: A built dataset; one without a pipeline has no steps.
    """
    return list(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))


def refuse_mask_steps(dataset: Any) -> None:
    """Raise an error if the pipeline of unlabeled images has a step that reads masks.

    Args:
        dataset: The unlabeled set, or a wrapper of it.

    Raises:
        DatasetError: Names the step and the fix.
    """
    for place, step in _all_steps(dataset):
        name = f'step {place} of the unlabeled pipeline, {type(step).__name__},'
        if isinstance(step, LoadAnnotations):
            raise DatasetError(f'{name} reads masks, which unlabeled images do not have. Remove it from the pipeline.')
        if getattr(step, 'cat_max_ratio', 1.0) < 1:
            raise DatasetError(
                f'{name} looks at masks to choose a crop (cat_max_ratio={step.cat_max_ratio}), which unlabeled images '
                'do not have. Remove cat_max_ratio there.'
            )


def require_same_orientation(first: Any, other: Any, names: Tuple[str, str]) -> None:
    """Raise an error if one set rotates images by their EXIF tag and the other does not.

    The host's ``LoadImageFromFile`` rotates them by default; with ``color_type='unchanged'`` or
    ``'color_ignore_orientation'`` it does not.

    Args:
        first: A dataset.
        other: Another one.
        names: Their names in the config.

    Raises:
        DatasetError: Names both settings.
    """
    kinds = [
        next((step.color_type for _, step in _all_steps(dataset) if _reads_images(step)), None)
        for dataset in (first, other)
    ]
    rotates = [None if kind is None else kind not in ('unchanged', 'color_ignore_orientation') for kind in kinds]
    if None not in rotates and rotates[0] != rotates[1]:
        raise DatasetError(
            f'LoadImageFromFile has color_type={kinds[0]!r} in {names[0]} and {kinds[1]!r} in {names[1]}: one of them '
            'rotates images by their EXIF tag, the other does not. Use one color_type in all pipelines.'
        )


def find_failed_step(dataset: Any, error: BaseException) -> Optional[Any]:
    """Find the step of a dataset's pipeline that raised an error.

    Args:
        dataset: The dataset that was read.
        error: The error, with its traceback.

    Returns:
        The step, or None if the error came from elsewhere.
    """
    steps = {id(step): step for _, step in _all_steps(dataset)}
    trace, found = error.__traceback__, None
    while trace is not None and found is None:
        found = steps.get(id(trace.tb_frame.f_locals.get('self')))
        trace = trace.tb_next
    return found


def _all_steps(dataset: Any) -> Iterator[Tuple[int, Any]]:
    """Yield place (from 1) and step, including steps inside of other steps and of wrapped datasets."""
    inner = [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]
    for part in inner:
        yield from _all_steps(part)
    for place, step in enumerate(pipeline_steps(dataset), start=1):
        yield from ((place, one) for one in _with_inner_steps(step))


def _with_inner_steps(step: Any) -> Iterator[Any]:
    """Yield a step, then those that it applies."""
    yield step
    inner = getattr(step, 'transforms', ())
    for one in inner if isinstance(inner, (list, tuple)) else getattr(inner, 'transforms', ()):
        yield from _with_inner_steps(one)


def _reads_images(step: Any) -> bool:
    # tifffile does not know the EXIF tag, so its color_type says nothing about orientation
    return isinstance(step, LoadImageFromFile) and getattr(step, 'imdecode_backend', 'cv2') != 'tifffile'
