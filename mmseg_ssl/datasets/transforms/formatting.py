"""Packing of images and masks at the end of a training pipeline."""

from typing import Tuple

import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from ...structures import IGNORE_INDEX, UNLABELED
from .scribbles import classes_in


@TRANSFORMS.register_module()
class PackSemiInputs(PackSegInputs):
    """Pack image, mask and metainfo as the host does, but leave the mask in uint8.

    The host casts masks to int64 in the worker: eight times the bytes through shared memory and over the bus, for
    labels that fit into one. The preprocessor casts on the device. Image-only data are packed without a mask.

    A scribble mask (see ``LoadScribbles``) becomes two maps: ``gt_sem_seg``, where every pixel without a label is 255,
    so that heads, losses and metrics of the host work as on any mask; and ``unlabeled_mask``, which separates unlabeled
    image pixels from void and padding. ``scribbled_classes`` of the sample are those of the image before it was
    cropped; none, if the steps mixed images: they are not known.
    """

    def transform(self, results: dict) -> dict:
        """Pack one image.

        Args:
            results: Dict with ``img`` ``(H, W, 3)`` and, for a labeled image, ``gt_seg_map`` ``(H, W)``.

        Returns:
            ``dict(inputs=(3, H, W) uint8, data_samples=SegDataSample)``, ``gt_sem_seg`` ``(1, H, W)`` uint8; from
            scribbles also ``unlabeled_mask``, ``(1, H, W)`` bool.
        """
        packed = super().transform(results)
        sample = packed['data_samples']
        if 'gt_sem_seg' in sample:
            sample.gt_sem_seg.data = sample.gt_sem_seg.data.to(torch.uint8)
        if results.get('scribbled'):
            unlabeled = sample.gt_sem_seg.data == UNLABELED
            sample.gt_sem_seg.data[unlabeled] = IGNORE_INDEX
            sample.set_data(dict(unlabeled_mask=PixelData(data=unlabeled)))
            sample.set_metainfo(dict(scribbled_classes=_scribbled_classes(results)))
        return packed


def _scribbled_classes(results: dict) -> Tuple[int, ...]:
    """Return the classes of the whole image, after steps that change classes."""
    classes = set(results['scribbled_classes'])
    if results.get('flip'):  # a left arm is a right one
        for pair in results.get('swap_seg_labels') or ():
            there = classes.intersection(pair)
            classes = classes.difference(pair).union(one for one, other in (pair, pair[::-1]) if other in there)
    # what a mosaic brought from other images says nothing of what else they have
    return tuple(sorted(classes)) if classes.issuperset(classes_in(results['gt_seg_map'])) else ()
