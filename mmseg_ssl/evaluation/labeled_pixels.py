"""What metrics read of a sample: class probabilities and the mask, at the same size."""

from typing import Tuple

from torch import Tensor

from ..ops import class_probabilities


def probabilities_and_label(sample: dict, metric: str) -> Tuple[Tensor, Tensor]:
    """Return the class probabilities of the first network and the ground truth of a sample.

    Args:
        sample: Of the evaluator, with ``seg_logits`` and ``gt_sem_seg``.
        metric: Name of the metric, for messages.

    Returns:
        ``(C, H, W)`` summing to one over dim 0, and ``(H, W)`` on the same device.

    Raises:
        KeyError: The sample has no ``seg_logits``.
        ValueError: Their size differs from the mask's.
    """
    if 'seg_logits' not in sample:
        raise KeyError(
            f'{metric} needs "seg_logits" in every sample; test-time augmentation keeps none. Take '
            'the metric out of the evaluator.'
        )
    probs = class_probabilities(sample['seg_logits']['data'])
    label = sample['gt_sem_seg']['data'].squeeze(0).to(probs.device)
    if label.shape != probs.shape[1:]:
        raise ValueError(
            f'{metric} compares logits and mask pixel by pixel, got {tuple(probs.shape[1:])} and '
            f'{tuple(label.shape)}. Load the mask after Resize in the test pipeline.'
        )
    return probs, label
