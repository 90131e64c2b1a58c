"""What pipelines may do: those of unlabeled images read no mask, and all of them turn images alike."""

from typing import Any, Iterator, Optional, Tuple

from mmcv.transforms import LoadAnnotations, LoadImageFromFile

from mmseg_ssl.errors import DatasetError


def refuse_mask_steps(dataset: Any) -> None:
    """Stop if a pipeline of unlabeled images has a step that reads masks.

    Args:
        dataset: The unlabeled set, or a wrapper of it.

    Raises:
        DatasetError: Names the step and the fix.
    """
    for place, step in _steps(dataset):
        name = f'step {place} of the unlabeled pipeline, {type(step).__name__},'
        if isinstance(step, LoadAnnotations):
            raise DatasetError(f'{name} reads masks, which unlabeled images have not. Remove it from the pipeline.')
        if getattr(step, 'cat_max_ratio', 1.0) < 1:
            raise DatasetError(
                f'{name} looks at masks to choose a crop (cat_max_ratio={step.cat_max_ratio}), which unlabeled images '
                'have not. Remove cat_max_ratio there.'
            )


def require_same_turn(first: Any, other: Any, names: Tuple[str, str]) -> None:
    """Stop if one set turns images as their EXIF tag says and the other does not.

    The host's ``LoadImageFromFile`` turns them by default; with ``color_type='unchanged'`` or
    ``'color_ignore_orientation'`` it does not.

    Args:
        first: A dataset.
        other: Another one.
        names: What they are called in the config.

    Raises:
        DatasetError: Names both settings.
    """
    kinds = [next((step.color_type for _, step in _steps(it) if _reads_images(step)), None) for it in (first, other)]
    turns = [None if kind is None else kind not in ('unchanged', 'color_ignore_orientation') for kind in kinds]
    if None not in turns and turns[0] != turns[1]:
        raise DatasetError(
            f'LoadImageFromFile has color_type={kinds[0]!r} in {names[0]} and {kinds[1]!r} in {names[1]}: one of them '
            'turns images as their EXIF tag says, the other does not. Use one color_type in all pipelines.'
        )


def failed_step(dataset: Any, error: BaseException) -> Optional[Any]:
    """The step of a dataset's pipeline that an error came from, if it came from one.

    Args:
        dataset: Where it happened.
        error: With its traceback.
    """
    steps = {id(step): step for _, step in _steps(dataset)}
    trace, found = error.__traceback__, None
    while trace is not None and found is None:
        found = steps.get(id(trace.tb_frame.f_locals.get('self')))
        trace = trace.tb_next
    return found


def _steps(dataset: Any) -> Iterator[Tuple[int, Any]]:
    """Place (from 1) and step of a pipeline, those inside other steps and of wrapped datasets included."""
    inner = [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]
    for part in inner:
        yield from _steps(part)
    steps = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    for place, step in enumerate(steps, start=1):
        yield from ((place, one) for one in _nested(step))


def _nested(step: Any) -> Iterator[Any]:
    """A step and those that it applies."""
    yield step
    inner = getattr(step, 'transforms', ())
    for one in inner if isinstance(inner, (list, tuple)) else getattr(inner, 'transforms', ()):
        yield from _nested(one)


def _reads_images(step: Any) -> bool:
    return isinstance(step, LoadImageFromFile) and getattr(step, 'imdecode_backend', 'cv2') != 'tifffile'
