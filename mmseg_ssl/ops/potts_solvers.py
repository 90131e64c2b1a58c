"""A solver that minimizes :class:`~mmseg_ssl.ops.potts_energy.PottsEnergy` in a few steps."""

from typing import Optional

import torch
from torch import Tensor

from .potts_energy import PairProducts, PottsEnergy

DAMPING = {'quadratic': 0.5, 'log_quadratic': 0.5}
"""Inertia of a label as a share of how strongly it repels itself; 0.25 with all other relaxations.

At 1 the quadratic cost of two labels that move at once is bounded by that of each moving alone: safe, but slow.
"""

MAX_MOMENTUM = 0.95
"""Largest share of the previous step that is added."""

STEPS = {'standard': 11, 'collision': 11, 'reverse': 32, 'quadratic': 32}
"""Steps of :func:`multiplicative_updates` by unary, enough to beat the reference where the prediction is fair."""

TINY = 1e-9
"""Added to both forces: a pixel without any stays where it is."""


def multiplicative_updates(
    energy: PottsEnergy, labels: Tensor, steps: Optional[int] = None, tolerance: float = 0.0
) -> Tensor:
    r"""Multiply every class by the force toward it over the force away; a few steps go below 200 of gradient descent.

    The gradient is a difference :math:`g = r - a` of two parts that are at least 0. At a minimum on the simplex every
    class in use has :math:`g_c = m := y^T g`, that is :math:`a_c + [m]_+ = r_c + [-m]_+`. So

    .. math:: \hat y_c \propto y_c\, \frac{a_c + [m]_+ + d y_c}{r_c + [-m]_+ + d y_c}

    stays at a minimum, and elsewhere :math:`\hat y - y` goes downhill: a class gains only if :math:`g_c < m`. The
    damping :math:`d` is a share of what a label repels itself with (:data:`DAMPING`): all pixels move at once, and
    neighbors that each take the other's label would swap forever. In the ``k``-th step of a run of improvements a
    share :math:`k / (k + 3)`, at most 0.95, of the step before is added.

    Where the energy of an image would rise, its labels stay and its run ends; if the run had only begun, the step is
    halved. So the energy of an image never rises, and images do not depend on each other. Like gradient descent it may
    end in a local minimum; only the quadratic relaxation with a convex unary has no other.

    Three tensors of the size of the logits are held, the prediction, the labels and those before them, and about 15
    maps without classes (20 with 8 neighbors).

    Args:
        energy: What to minimize.
        labels: ``(B, C, N)``, where to start, and the labels that are to stay where pixels are not free. Overwritten.
        steps: Number of steps, :data:`STEPS` of the unary if not given.
        tolerance: An image stops when a step lowers its energy by less than this share; 0: never. Noticing that all
            have stopped waits for the device in every step.

    Returns:
        Labels ``(B, C, N)``, distributions on dim 1.
    """
    products = energy.products(labels)
    best, previous = energy.value(products), labels.clone()
    scale, run = torch.ones_like(best, dtype=labels.dtype), torch.zeros_like(best, dtype=labels.dtype)
    active = torch.ones_like(best, dtype=torch.bool)
    for _ in range(STEPS[energy.unary] if steps is None else steps):
        _step(energy, labels, previous, products, scale, (run / (run + 3)).clamp(max=MAX_MOMENTUM))
        proposed = energy.products(previous)
        value = energy.value(proposed)
        better = (value <= best) & active
        # lerp, not where: exact with weights 0 and 1, and an order of magnitude faster on a CPU
        accepted = better.to(labels.dtype)
        if labels.is_cuda or not better.all():  # a CPU saves a pass over its memory by asking, a GPU would wait
            previous.lerp_(labels, _per_image(1 - accepted, labels))
        labels, previous = previous, labels
        for old, new in zip(products, proposed):
            old.lerp_(new, _per_image(accepted, old))
        del proposed
        scale = scale.where(better | (run > 0), scale / 2)
        run = (run + 1) * better
        active = active & ~(better & (best - value < tolerance * best))
        best = value.where(better, best)
        if tolerance > 0 and not active.any():
            break
    return labels


def _step(
    energy: PottsEnergy, labels: Tensor, previous: Tensor, products: PairProducts, scale: Tensor, momentum: Tensor
) -> None:
    """Overwrite the previous labels, which are needed pixel by pixel only, with those after a step."""
    pull, push = energy.pull_and_push(products)
    damping = DAMPING.get(energy.relaxation, 0.25)
    for start, stop in energy.bands(labels):
        band, before = labels[..., start:stop], previous[..., start:stop]
        toward, off = energy.forces(labels, products, pull, start, stop)
        own = band * push[:, None, start:stop]
        off = off + own
        level = torch.linalg.vecdot(band, off - toward, dim=1).unsqueeze(1)
        toward.add_(own, alpha=damping).add_(level.clamp(min=0).add_(TINY))
        off.add_(own, alpha=damping).add_(level.neg().clamp_(min=0).add_(TINY))
        target = toward.div_(off).mul_(band)
        target.div_(target.sum(dim=1, keepdim=True))
        target = band.lerp(target, _per_image(scale, band) * energy.free[:, None, start:stop])
        # what momentum adds may be negative; a class keeps a tenth of what the step gives it
        moved = torch.addcmul(target, band - before, _per_image(momentum, band))
        torch.maximum(moved, target.mul_(0.1), out=moved)
        torch.div(moved, moved.sum(dim=1, keepdim=True), out=before)


def _per_image(per_image: Tensor, like: Tensor) -> Tensor:
    """Shape a number per image to broadcast with tensors of pixels."""
    return per_image.view(-1, *[1] * (like.dim() - 1))
