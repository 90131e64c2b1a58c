"""Counts of the pixels that are taught, and of those that are taught rightly."""

from typing import Any, Dict, List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from ..structures import IGNORE_INDEX

HIDDEN = 'hidden_sem_seg'
"""Field of a sample with the mask that nothing trains on, see ``SemiDataset(hidden_masks=...)``."""


class Counts:
    """Pixels of one network's labels, on the device: of all classes together, and by class.

    Args:
        num_classes: ``C``.
        device: Where to count.
    """

    def __init__(self, num_classes: int, device: torch.device) -> None:
        # could be taught, taught; sum of the weights
        self.both = torch.zeros(3, device=device, dtype=torch.float64)
        # of pixels with a mask: taught as the class, rightly so, of the class, of the class and taught
        self.classes = torch.zeros(4, num_classes + 1, device=device, dtype=torch.float64)

    def add(self, label: Tensor, weight: Tensor, valid: Tensor, truth: Optional[Tensor]) -> None:
        """Count a batch, without waiting for the device.

        Args:
            label: ``(B, H, W)`` classes, 255 where there is none.
            weight: ``(B, H, W)``, at least 0.
            valid: ``(B, H, W)`` bool, which pixels could be taught.
            truth: ``(B, H, W)``, 255 where unknown; None if there are no masks.
        """
        taught = (weight > 0) & (label != IGNORE_INDEX) & valid
        self.both += torch.stack([valid.sum(), taught.sum(), (weight * taught).double().sum()])
        if truth is None:
            return
        known = valid & (truth != IGNORE_INDEX)
        for row, (classes, where) in enumerate(
            [
                (label, taught & known),
                (label, taught & known & (label == truth)),
                (truth, known),
                (truth, taught & known),
            ]
        ):
            rest = self.classes.shape[1] - 1  # a column for what does not count: no selection, which would wait
            columns = classes.where(where, classes.new_full((), rest)).flatten()
            self.classes[row].index_add_(0, columns, torch.ones_like(columns, dtype=torch.float64))

    def summary(self, classes: List[str]) -> Dict[str, Dict[str, float]]:
        """Return shares in [0, 1]: ``all``, of all classes, and ``each``, by class; without what nothing is known of.

        Args:
            classes: Their names.
        """
        could, taught, weights = self.both.tolist()
        all_classes, each = dict(share=taught / could, weight=weights / could) if could else {}, {}
        as_class, right, of_class, reached = self.classes[:, :-1].tolist()
        if sum(as_class):
            all_classes['accuracy'] = sum(right) / sum(as_class)
        for index, name in enumerate(classes):
            if of_class[index]:
                each[f'share.{name}'] = reached[index] / of_class[index]
            if as_class[index]:
                each[f'accuracy.{name}'] = right[index] / as_class[index]
        return dict(all=all_classes, each=each)


def hidden_truth(samples: List[Any], like: Tensor) -> Optional[Tensor]:
    """Stack the masks that nothing trains on.

    Args:
        samples: Of a view.
        like: ``(B, H, W)``, on the device and of the size of the padded view.

    Returns:
        ``(len(samples), H, W)`` int64, 255 where unknown; None if no sample has one.
    """
    if not samples or not all(HIDDEN in sample for sample in samples):
        return None
    height, width = like.shape[1:]
    masks = [sample.get(HIDDEN).data[0] for sample in samples]
    padded = [F.pad(one, (0, width - one.shape[1], 0, height - one.shape[0]), value=IGNORE_INDEX) for one in masks]
    return torch.stack(padded).to(like.device).long()
