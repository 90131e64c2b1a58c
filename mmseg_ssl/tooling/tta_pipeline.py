"""Pipelines for test-time augmentation, from a test pipeline."""

from typing import List, Sequence

from ..datasets.transforms import at_image_size

RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""Sizes of the views, as in the host."""


def tta_pipeline_of(pipeline: Sequence[dict], ratios: Sequence[float] = RATIOS) -> List[dict]:
    """Make a pipeline that returns images at several sizes, each also mirrored.

    The mask is loaded after resizing and mirroring, so it is not changed: scores are those at its file's size.

    Args:
        pipeline: Steps of a test pipeline. The size of its ``Resize`` is multiplied; without one, a step is added.
        ratios: Ratios of the sizes.

    Returns:
        A pipeline that ends in ``TestTimeAug``.
    """
    kinds = [step['type'] for step in pipeline]
    if 'Resize' in kinds:
        at = kinds.index('Resize')
        resize, behind = dict(pipeline[at]), list(pipeline[at + 1 :])
    else:
        at = next((i + 1 for i, kind in enumerate(kinds) if kind.startswith('Load') and kind != 'LoadAnnotations'), 0)
        resize, behind = dict(type='Resize', scale_factor=1.0, keep_ratio=True), list(pipeline[at:])
    behind = at_image_size(behind)  # the views have many sizes
    masks = [step for step in pipeline[:at] if step['type'] == 'LoadAnnotations']
    sizes = [_multiply_size(resize, ratio) for ratio in ratios]
    flips = [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)]
    views = dict(type='TestTimeAug', transforms=[sizes, flips, *([step] for step in masks + behind)])
    return [*(step for step in pipeline[:at] if step not in masks), views]


def _multiply_size(resize: dict, ratio: float) -> dict:
    """Return a ``Resize`` to a multiple of its size."""
    key = 'scale' if resize.get('scale') is not None else 'scale_factor'
    size = resize[key]
    several = isinstance(size, (list, tuple))
    scaled = [side * ratio if key == 'scale_factor' else int(side * ratio) for side in (size if several else [size])]
    return dict(resize, **{key: tuple(scaled) if several else scaled[0]})
