"""Labels for the solver's benchmark: the paper's, by autograd, and how others compare with them."""

import torch
from torch import Tensor

from ...ops.label_descent import STEP_SIZE
from ...ops.potts_energy import PottsEnergy


def descend_by_autograd(energy: PottsEnergy, labels: Tensor, steps: int) -> Tensor:
    """Take the steps of :func:`~mmseg_ssl.ops.label_descent.gradient_descent` as one would write them down."""
    variables, free = labels.clamp(min=torch.finfo(labels.dtype).tiny).log(), energy.free.unsqueeze(1)
    for _ in range(steps):
        variables.requires_grad_()
        # fixed labels are put back inside the graph, so that their neighbors feel them
        (grad,) = torch.autograd.grad(energy(variables.softmax(dim=1).where(free, labels)).sum(), variables)
        variables = variables.detach() - STEP_SIZE * grad
    return variables.softmax(dim=1).where(free, labels)


def describe(labels: Tensor, reference: Tensor, energy: PottsEnergy) -> str:
    """Say how good, how soft, and how like the reference's labels are."""
    jaccard = torch.minimum(labels, reference).sum() / torch.maximum(labels, reference).sum()
    entropy = -(labels * labels.clamp(min=torch.finfo(labels.dtype).tiny).log()).sum(dim=1).mean()
    return f'energy {energy(labels).sum().item():9.1f}   entropy {entropy.item():.4f}   Jaccard {jaccard.item():.4f}'
