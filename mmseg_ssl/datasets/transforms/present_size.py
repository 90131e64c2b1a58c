"""Predictions and scores at another size than the file's."""

from typing import Any, List, Sequence

from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ScoreAtThisSize(BaseTransform):
    """Let predictions have the size that the image has now, instead of its file's.

    The host resizes a prediction to ``ori_shape``, the size that was loaded. Behind ``LoadAnnotations`` and ``Resize``,
    scores are then those on the resized grid, as some papers have them (ELN on VOC: 512x512).

    Example:
        >>> test_pipeline = [
        ...     dict(type='LoadImageFromFile'),
        ...     dict(type='LoadAnnotations'),
        ...     dict(type='Resize', scale=(512, 512), keep_ratio=False),
        ...     dict(type='ScoreAtThisSize'),
        ...     dict(type='PackSegInputs'),
        ... ]
    """

    def transform(self, results: dict) -> dict:
        """Set the original size of one image.

        Args:
            results: Dict with ``img``, and with ``gt_seg_map`` of the same size if masks were loaded.

        Returns:
            The dict with ``ori_shape``.

        Raises:
            ValueError: The mask has another size: it was loaded behind ``Resize``.
        """
        size, mask = results['img'].shape[:2], results.get('gt_seg_map')
        if mask is not None and mask.shape[:2] != size:
            raise ValueError(
                f'ScoreAtThisSize: the image is {size[0]}x{size[1]}, its mask {mask.shape[0]}x{mask.shape[1]}. Put '
                'LoadAnnotations before Resize, which resizes both.'
            )
        results['ori_shape'] = size
        return results


def at_image_size(steps: Sequence[Any]) -> List[Any]:
    """Return the steps of a pipeline without ``ScoreAtThisSize``: scores may be at another size, predictions are not.

    Args:
        steps: Configs of the steps.
    """
    return [step for step in steps if step['type'] != 'ScoreAtThisSize']
