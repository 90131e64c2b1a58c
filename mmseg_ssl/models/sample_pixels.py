"""Masks of a batch: image and not padding, and labeled pixels."""

from typing import List, Tuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from ..structures import IGNORE_INDEX


def valid_pixels(samples: List[SegDataSample], images: Tensor) -> Tensor:
    """Mark the pixels of a view that are image and not padding.

    Args:
        samples: Samples with ``img_shape``.
        images: Their view, ``(B, 3, H, W)``.

    Returns:
        ``(B, H, W)`` bool on the device of the images.
    """
    # made on the host and copied once; a comparison per sample would be many small launches
    shapes = torch.tensor([sample.metainfo['img_shape'][:2] for sample in samples]).to(images.device, non_blocking=True)
    rows = torch.arange(images.shape[2], device=images.device) < shapes[:, :1]
    cols = torch.arange(images.shape[3], device=images.device) < shapes[:, 1:]
    return rows[:, :, None] & cols[:, None, :]


def scribbled_classes(samples: List[SegDataSample], device: torch.device) -> Tensor:
    """Mark the classes that are scribbled anywhere in the images of a view, also outside of its crops.

    Args:
        samples: Samples of ``PackSemiInputs``.
        device: Where the result is needed.

    Returns:
        ``(B, 256)`` bool by class index; nothing is marked for a sample that no scribbles were loaded for.
    """
    classes = torch.zeros(len(samples), 256, dtype=torch.bool)
    for drawn, sample in zip(classes, samples):
        drawn[list(sample.metainfo.get('scribbled_classes', ()))] = True
    return classes.to(device, non_blocking=True)


def scribbled_pixels(samples: List[SegDataSample], images: Tensor) -> Tuple[Tensor, Tensor]:
    """Return the labels of a view's seeds, and the pixels that may be taught: not void and not padding.

    Samples may be mixed: with scribbles; fully labeled, where 255 is void; without a mask, all unlabeled.

    Args:
        samples: Samples after :class:`~mmseg_ssl.models.SemiDataPreProcessor`.
        images: Their view, ``(B, 3, H, W)``.

    Returns:
        ``(B, H, W)`` int64 classes, 255 where there is no seed; and ``(B, H, W)`` bool. Unlabeled pixels are ``valid &
        (seeds == 255)``.

    Example:
        >>> seeds, valid = scribbled_pixels(samples['sup'], images['sup'])  # doctest: +SKIP
    """
    # stands in for the mask of a sample without one
    blank = torch.full(images.shape[2:], IGNORE_INDEX, dtype=torch.int64, device=images.device)
    seeds = torch.stack([one.gt_sem_seg.data[0] if 'gt_sem_seg' in one else blank for one in samples])
    unlabeled = [
        one.unlabeled_mask.data[0]
        if 'unlabeled_mask' in one
        else torch.full_like(blank, 'gt_sem_seg' not in one).bool()
        for one in samples
    ]
    return seeds, valid_pixels(samples, images) & (torch.stack(unlabeled) | (seeds != IGNORE_INDEX))
