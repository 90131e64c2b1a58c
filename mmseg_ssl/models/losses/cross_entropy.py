"""Cross entropy of a prediction with a pixel target."""

import torch.nn.functional as F
from torch import Tensor

from ...ops.precision import at_least_fp32
from ...structures import IGNORE_INDEX, PixelTarget


def pixel_cross_entropy(logits: Tensor, target: PixelTarget) -> Tensor:
    r"""Weighted cross entropy per pixel, not reduced.

    .. math:: \ell_i = - w_i \sum_c y_{ic} \ln \mathrm{softmax}(z_i)_c

    Args:
        logits: ``(B, C, H, W)``.
        target: Label ``(B, H, W)`` of classes (255: ignored) or ``(B, C, H, W)`` of probabilities; weight
            ``(B, H, W)``.

    Returns:
        ``(B, H, W)``, at least 0; exactly 0 with a zero gradient where the label is ignored or the weight is 0.

    Raises:
        ValueError: If label and logits do not cover the same pixels.

    Example:
        >>> target = confident(teacher_probs, threshold=0.95)
        >>> masked_mean(pixel_cross_entropy(logits, target), over=valid)
    """
    label, weight = target
    # half precision loses the small probabilities whose logarithm is the loss
    logits = at_least_fp32(logits)
    if label.shape[-2:] != logits.shape[-2:] or label.shape[0] != logits.shape[0]:
        raise ValueError(
            f'pixel_cross_entropy needs a label for every pixel of the logits {tuple(logits.shape)}, '
            f'got {tuple(label.shape)}. Resize the logits to the label first.'
        )
    if label.dim() == 4:
        loss = F.cross_entropy(logits, label.to(logits.dtype), reduction='none')
    else:
        loss = F.cross_entropy(logits, label, ignore_index=IGNORE_INDEX, reduction='none')
    # an infinite loss of a pixel that says nothing must not become 0 * inf
    return (loss * weight).where(weight > 0, loss.new_zeros(()))
