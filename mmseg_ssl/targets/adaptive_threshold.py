"""A confidence threshold that follows the network (CorrMatch, Sun et al., CVPR 2024, arXiv 2306.04300)."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from ..ops.probabilities import likeliest


@torch.no_grad()
def adaptive_threshold(threshold: Tensor, probs: Tensor, valid: Tensor, momentum: float) -> Tensor:
    r"""Move a threshold toward the mean of the classes' largest confidences, over the batch of all processes.

    With the classes :math:`\mathcal C` that are the argmax of at least one valid pixel,

    .. math:: \tau \leftarrow (1 - m) \, \tau + m \, \frac1{|\mathcal C|} \sum_{c \in \mathcal C}
              \max_{i:\, \arg\max p_i = c} \, \max_k p_{ik}

    The threshold rises as the network grows sure of every class that it predicts. A batch without a valid pixel changes
    nothing.

    Args:
        threshold: :math:`\tau`, a scalar.
        probs: ``(B, C, H, W)``, summing to one over dim 1.
        valid: ``(B, H, W)`` bool, which pixels count.
        momentum: :math:`m`, the share of the NEW value; 0.001 is the paper's decay of 0.999.

    Returns:
        The next threshold, a scalar in ``[0, 1]`` if :math:`\tau` is.

    Raises:
        ValueError: If the momentum is not in ``[0, 1]``, or the maps do not cover the same pixels.
    """
    if not 0 <= momentum <= 1:
        raise ValueError(
            f'adaptive_threshold: momentum is the share of the new value, in [0, 1], got {momentum}. '
            'For a decay of 0.999 give momentum=0.001.'
        )
    if valid.shape != probs[:, 0].shape:
        raise ValueError(
            f'adaptive_threshold needs valid (B, H, W) for every pixel of the probabilities {tuple(probs.shape)}, '
            f'got {tuple(valid.shape)}.'
        )
    confidence, label = likeliest(probs)
    largest = probs.new_zeros(probs.shape[1])
    # products, not a selection: invalid pixels give 0, and the size needs no sync
    largest.scatter_reduce_(0, label.flatten(), (confidence * valid).flatten(), reduce='amax')
    all_reduce(largest, op='max')
    present = largest > 0  # the argmax of a pixel has a positive probability
    mean = largest.sum() / present.sum().clamp(min=1)
    return torch.lerp(threshold, mean.to(threshold), momentum).where(present.any(), threshold)
