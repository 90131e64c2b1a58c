"""Cross entropy of hard pixels alone (OHEM), as in the Cityscapes recipes of CPS, CPCL and DUEB."""

from typing import Any, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.probabilities import class_logits
from ...structures import IGNORE_INDEX

ROUNDS = ((20, 11), (10, 10), (0, 10))
"""Bits that the distributed selection looks at, highest first: how far they are shifted, and how many they are."""


def hard_pixels(logits: Tensor, label: Tensor, threshold: float, min_kept: int, ignore_index: int) -> Tensor:
    """Choose the pixels whose true class is improbable, among those of all processes.

    Args:
        logits: ``(B, C, H, W)``.
        label: ``(B, H, W)`` int64.
        threshold: A pixel is hard if its class has at most this probability.
        min_kept: Smallest number of pixels of the batch that are chosen, the least probable ones first, as far as there
            are valid ones; 0 leaves it to the threshold. The numbers of all processes add up, and so do their pixels:
            all must call this together.
        ignore_index: Label of pixels that are never chosen.

    Returns:
        ``(B, H, W)`` bool.
    """
    valid = label != ignore_index
    probs = logits.detach().softmax(dim=1).gather(1, label.where(valid, 0)[:, None])[:, 0]
    probs = probs.where(valid, 2.0)  # behind every probability; a selection would wait for the device
    # the min_kept-th smallest probability: the threshold rises to it where too few pixels are hard
    if get_world_size() > 1:
        least = smallest_of_all(probs.float(), min_kept)
    elif min_kept:
        least = probs.flatten().kthvalue(min(min_kept, probs.numel())).values
    else:
        least = probs.new_zeros(())
    return valid & (probs <= least.clamp(min=threshold))


def smallest_of_all(values: Tensor, rank: int) -> Tensor:
    """Find the value of a rank among those of all processes, exactly, without gathering them.

    Floats of at least 0 are ordered as their bits are. So the value is found in three rounds of counting, each of which
    adds up one histogram over the processes: 2048, 1024 and 1024 counts, whatever the number of pixels and processes.

    Args:
        values: Of this process, any shape, fp32 and at least 0.
        rank: Share of this process in the rank; their sum over the processes counts from 1.

    Returns:
        A scalar, the largest value of all if there are fewer.
    """
    bits = values.flatten().contiguous().view(torch.int32).long()
    sizes = torch.tensor([rank, bits.numel()], device=bits.device)
    all_reduce(sizes)
    left, found = sizes.min(), bits.new_zeros(())
    for shift, width in ROUNDS:
        candidate = (bits >> (shift + width)) == found
        counts = bits.new_zeros(2**width).scatter_add_(0, (bits >> shift) & (2**width - 1), candidate.long())
        all_reduce(counts)
        upto = counts.cumsum(dim=0)
        place = (upto < left).sum()
        left = left - (upto - counts)[place]
        found = (found << width) | place
    return found.int().view(torch.float32)


@MODELS.register_module()
class HardPixelCrossEntropy(nn.Module):
    r"""Class-weighted cross entropy, averaged over the hard pixels with their class weights.

    .. math:: L = \sum_{i \in H} w_{y_i} CE(z_i, y_i) \Big/ \sum_{i \in H} w_{y_i}

    A loss for any decode head. The host's own cannot be used there: its ``CrossEntropyLoss`` with ``class_weight``
    indexes out of range at ignored pixels, and its ``OhemCrossEntropy`` does not take what decode heads pass. A head
    with one channel for two classes has two weights, too. No valid pixel at all gives 0 with a zero gradient.

    Pixels are mined over the images of all processes: W processes with B images each choose what one process chooses
    of W x B, and the average over the processes, which DDP takes, is its loss.

    Args:
        threshold: See :func:`hard_pixels`.
        min_kept: Smallest number of pixels per image of the batch that are kept, see there.
        class_weight: One weight per class; all 1 by default.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: If the threshold is no probability, or ``min_kept`` negative.
    """

    loss_name = 'loss_ohem'
    """Its key in the host's losses."""

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept: int = 50000,
        class_weight: Optional[Sequence[float]] = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0 <= threshold <= 1 or min_kept < 0:
            raise ValueError(
                'HardPixelCrossEntropy: threshold is a probability in [0, 1] and min_kept at least 0, got '
                f'{threshold} and {min_kept}.'
            )
        self.threshold, self.min_kept = threshold, min_kept
        self.class_weight, self.loss_weight = class_weight, loss_weight

    def forward(self, cls_score: Tensor, label: Tensor, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> Tensor:
        """Compute the loss of a batch.

        Args:
            cls_score: Logits ``(B, C, H, W)``, or ``(B, 1, H, W)`` of two classes.
            label: ``(B, H, W)`` int64.
            ignore_index: Label of pixels without one.
            **kwargs: Other arguments of decode heads (``weight`` of a sampler); not used.

        Returns:
            A scalar.
        """
        logits = class_logits(cls_score.float())
        hard = hard_pixels(logits, label, self.threshold, self.min_kept * len(label), ignore_index)
        weights = logits.new_tensor(self.class_weight or [1.0] * logits.shape[1])
        kept = label.where(hard, ignore_index)
        total = F.cross_entropy(logits, kept, weight=weights, ignore_index=ignore_index, reduction='sum')
        mass = (weights[label.where(hard, 0)] * hard).sum()
        all_reduce(mass, op='mean')  # so that the mean over the processes is that of all hard pixels
        return self.loss_weight * total / mass.clamp(min=torch.finfo(mass.dtype).tiny)
