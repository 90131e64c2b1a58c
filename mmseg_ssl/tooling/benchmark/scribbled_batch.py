"""Batches for the solver's benchmark: drawn or loaded images, a prediction with errors, and scribbles."""

from pathlib import Path
from typing import Optional, Sequence, Tuple

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from ...structures import IGNORE_INDEX
from ..cli import UserError


def draw_blobs(number: int, num_classes: int, size: Sequence[int]) -> Tuple[Tensor, Tensor]:
    """Draw blobs of noisy colors: images ``(B, 3, H, W)`` in 0..255, and their classes ``(B, H, W)``."""
    height, width = size
    coarse = torch.randn(number, num_classes, max(height // 48, 2), max(width // 48, 2))
    truth = F.interpolate(coarse, size=(height, width), mode='bicubic').argmax(dim=1)
    palette = 255 * torch.rand(num_classes, 3)
    images = palette[truth].movedim(-1, 1) + 6 * torch.randn(number, 3, height, width)
    return images.clamp(0, 255), truth


def load_crops(folder: Path, masks: Optional[Path], number: int, size: Sequence[int]) -> Tuple[Tensor, Tensor]:
    """Load center crops of files, evenly spread over a folder, as :func:`draw_blobs` draws them.

    Args:
        folder: Of ``.jpg`` images.
        masks: Of their masks, ``.png`` of the same names.
        number: Images to load.
        size: Height and width of the crops.

    Raises:
        UserError: There are too few images, or one is smaller than the crops or has no mask.
    """
    files = sorted(folder.glob('*.jpg'))
    if len(files) < number or masks is None:
        raise UserError(f'Found {len(files)} .jpg files in {folder}; name a folder of images and its --masks.')
    height, width = size
    crops, labels = [], []
    for file in files[:: len(files) // number][:number]:
        image, mask = cv2.imread(str(file)), cv2.imread(str(masks / f'{file.stem}.png'), cv2.IMREAD_UNCHANGED)
        if image is None or mask is None or image.shape[:2] != mask.shape:
            raise UserError(f'{file} is no image, or has no mask of one channel and its size in {masks}.')
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        if min(top, left) < 0:
            raise UserError(f'{file} is smaller than --size {height} {width}.')
        inside = slice(top, top + height), slice(left, left + width)
        crops.append(torch.from_numpy(image[inside][..., ::-1].copy()).movedim(-1, 0))
        labels.append(torch.from_numpy(mask[inside].astype('int64')))
    return torch.stack(crops), torch.stack(labels)


def blur_and_scribble(truth: Tensor, num_classes: int) -> Tuple[Tensor, Tensor]:
    """Make a prediction that is blurred and partly wrong, and scribbles on about 3 % of the pixels.

    Args:
        truth: ``(B, H, W)`` int64; other values than the classes have no scribbles.
        num_classes: ``C``.

    Returns:
        Logits ``(B, C, H, W)``, and classes ``(B, H, W)``, 255 where there is no scribble.
    """
    one_hot = F.one_hot(truth.where(truth < num_classes, 0), num_classes).movedim(-1, 1).float()
    low = 6 * F.avg_pool2d(one_hot, 8)
    low += 1.5 * torch.randn_like(low)
    logits = F.interpolate(low, size=truth.shape[1:], mode='bilinear', align_corners=False)
    blots = F.interpolate(torch.rand(len(truth), 1, *low.shape[2:]), size=truth.shape[1:])[:, 0] < 0.03
    return logits, truth.where(blots & (truth < num_classes), IGNORE_INDEX)
