"""Losses by their keys: ``sup.loss_ce``, ``peer.unsup.loss_pseudo``."""

from typing import Dict, List

import torch
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from .branch import Branch


def weighted(losses: Dict[str, Tensor], weight: float) -> Dict[str, Tensor]:
    """Multiply the losses, which the host tells by their key, and leave what is only logged."""
    return {key: value * weight if 'loss' in key else value for key, value in losses.items()}


def is_unlabeled_loss(key: str) -> bool:
    """Tell by its key whether a loss is of pixels without a label: ``unsup.loss_x``, ``peer.unsup.loss_x``."""
    return 'loss' in key and 'unsup' in key.split('.')


def labeled_losses(branches: Dict[str, Branch], images: Tensor, samples: List[SegDataSample]) -> Dict[str, Tensor]:
    """Compute the supervised losses of every branch, each in a call of its own, under the keys of a method's step.

    Args:
        branches: Branches that train, by name.
        images: ``(B, 3, H, W)``, the labeled view.
        samples: Their samples.

    Returns:
        ``sup.loss_ce`` and so on; of several branches ``<name>.sup.loss_ce``. Where a branch has side heads that other
        terms train, also ``loss_unused``, which is 0: DDP waits for a gradient of every weight.
    """
    losses: Dict[str, Tensor] = {}
    for name, branch in branches.items():
        pred = branch(images)
        own = branch.supervised_loss(pred, samples)
        if pred.side:
            own['loss_unused'] = torch.stack([0 * value.float().mean() for value in pred.side.values()]).sum()
        losses.update(add_prefix(own, f'{name}.sup' if len(branches) > 1 else 'sup'))
    return losses
