"""Gradient descent on the logits of soft labels: step by step, or along the same way with a third of the gradients."""

from typing import Any, Iterator, List, NamedTuple, Tuple

import torch
from torch import Tensor

from .chebyshev import fewest_stages, stage_weights
from .potts import WITHOUT_OWN_SLOPE
from .potts_energy import PottsEnergy

STEPS = 200
STEP_SIZE = 0.075
"""Number and size of the paper's steps."""

BANDS = 8
"""Fewest bands of pixels: beside the tensors held here, temporaries are small also in few bands, which are faster."""

CURVATURE = {
    'bilinear': 0.3,
    'quadratic': 0.5,
    'normalized_quadratic': 1.0,
    'collision_cross_entropy': 0.4,
    'log_quadratic': 0.5,
    'collision_divergence': 1.0,
}
"""Largest second derivative of the pairs in the logits, as a share of the degree.

For two equal labels that are split over two classes it is twice the length of :math:`J^2` (1/4), or of
:math:`J^2 / \\|y\\|^2` (1/2), where :math:`J = \\mathrm{diag}(y) - y y^T`. For the two that are not convex it was
measured on CamVid, at a quarter less than where labels begin to oscillate.
"""

STABLE = 2.0
"""Largest step of gradient descent times curvature: beyond it labels oscillate, at a multiple of it they diverge."""

STRETCHES = {'bilinear': (12, 1.25), 'collision_cross_entropy': (12, 1.25)}
"""Number of stretches, and by how much each is longer than that before; ``(10, 1.6)`` with all other relaxations.

Under these two labels part from each other, so that early errors grow, and then slowly become one-hot.
"""


def gradient_descent(energy: PottsEnergy, labels: Tensor, steps: int = STEPS, step_size: float = STEP_SIZE) -> Tensor:
    r"""Descend as the paper does (arXiv 2507.01721, app. A), with the gradient in closed form.

    .. math:: y = \mathrm{softmax}(u), \qquad u \leftarrow u - s\,\nabla_u E, \qquad
              \nabla_{u_c} E = y_c \left(g_c - y^T g\right), \quad g = \nabla_y E

    It starts from the prediction; fixed labels stay.

    Args:
        energy: What to descend on.
        labels: ``(B, C, N)``, the prediction, and the labels that are to stay where pixels are not free.
        steps: Number of steps.
        step_size: :math:`s`; twice the energy and half the step give the same labels.

    Returns:
        Labels ``(B, C, N)``, distributions on dim 1; steps that would diverge are refused.
    """
    rate = curvature(energy.relaxation, energy.degree, energy.eta)
    refuse_long_steps(
        step_size, rate, f"Take solver='chebyshev' or 'multiplicative', or step_size={STABLE / rate:.2g}."
    )
    variables, current = _logits(labels), torch.empty_like(labels)
    for _ in range(steps):
        torch.softmax(variables, dim=1, out=current)
        for inside, slope, band in descent(energy, current):
            variables[inside].addcmul_(slope, band, value=step_size)
    return torch.softmax(variables, dim=1, out=current).where(energy.free.unsqueeze(1), labels)


def chebyshev_descent(energy: PottsEnergy, labels: Tensor, steps: int = STEPS, step_size: float = STEP_SIZE) -> Tensor:
    r"""Reach the labels of :func:`gradient_descent` with about a third of its gradients.

    Short steps of descent follow :math:`\dot u = -\nabla_u E(u)` until the time ``steps * step_size``. Neighbors in
    flat color pull so strongly that longer steps would oscillate, although the labels themselves change slowly. So this
    follows the same path by :mod:`~mmseg_ssl.ops.chebyshev`, of second order and stable over lengths that grow with the
    square of its gradients, in a few stretches, each longer than that before, because labels move less and less.

    On crops of CamVid the labels of all six relaxations have a soft Jaccard index above 0.99 with those of the 200
    steps, and their entropy within 1.5 %; ``tools/benchmark_solver.py`` measures both, and the speed. If it took more
    gradients than ``steps``, the steps are taken, unless they are too long to be stable. Seven tensors of the size of
    the logits are held, and some maps.

    Args:
        energy: What to descend on.
        labels: As for :func:`gradient_descent`, like all others.
        steps: Number of steps whose labels are to be reached.
        step_size: Of these steps.

    Returns:
        Labels ``(B, C, N)``, distributions on dim 1.
    """
    # not one plan for any time: later stretches would be too long
    plan = [
        stretch
        for done in range(0, steps, STEPS)
        for stretch in stretches(energy, min(STEPS, steps - done) * step_size)
    ]
    stable = step_size * curvature(energy.relaxation, energy.degree, energy.eta) <= STABLE
    if stable and sum(count for _, count in plan) >= steps:
        return gradient_descent(energy, labels, steps, step_size)
    state = State(_logits(labels), *(torch.empty_like(labels) for _ in range(4)))
    for length, count in plan:
        state = follow(energy, state, length, count)
    return torch.softmax(state.start, dim=1, out=state.labels).where(energy.free.unsqueeze(1), labels)


def stretches(energy: PottsEnergy, time: float) -> List[Tuple[float, int]]:
    """Divide the time into stretches; return the length of each and the number of its gradients, at least 2."""
    number, growth = STRETCHES.get(energy.relaxation, (10, 1.6))
    total = sum(growth**k for k in range(number))
    lengths = [time * growth**k / total for k in range(number)]
    rate = curvature(energy.relaxation, energy.degree, energy.eta)
    return [(length, fewest_stages(length * rate)) for length in lengths]


def curvature(relaxation: str, degree: float, eta: float) -> float:
    """Return the largest second derivative of an energy in the logits, that in flat color."""
    return CURVATURE[relaxation] * degree + eta  # the unary's is at most a fraction of eta


def refuse_long_steps(step_size: float, rate: float, fix: str) -> None:
    """Refuse steps more than twice as long as is stable at this :func:`curvature`; the paper's are 0.9 of it."""
    if step_size * rate > 2 * STABLE:
        raise ValueError(
            f'gradient descent with steps of {step_size} would diverge: with these eta and potts_weight it is stable '
            f'up to {STABLE / rate:.2g}. {fix}'
        )


class State(NamedTuple):
    """Tensors ``(B, C, N)`` of :func:`follow`, whose memory every stretch uses again.

    Attributes:
        start: Logits at the beginning of a stretch.
        slope: Minus the gradient there.
        before: Logits of the stage before the last.
        last: Logits of the last stage.
        labels: Their softmax.
    """

    start: Tensor
    slope: Tensor
    before: Tensor
    last: Tensor
    labels: Tensor


def follow(energy: PottsEnergy, state: State, length: float, count: int) -> State:
    """Follow the path for a stretch with so many gradients; the logits reached are the new ``start``."""
    start, first_slope, before, last, current = state
    first, weights = stage_weights(count)
    torch.softmax(start, dim=1, out=current)
    for inside, slope, band in descent(energy, current):
        torch.mul(slope, band, out=first_slope[inside])
    before.copy_(start)
    torch.add(start, first_slope, alpha=length * first, out=last)
    for of_last, of_before, of_slope, of_first_slope in weights:
        torch.softmax(last, dim=1, out=current)
        for inside, slope, band in descent(energy, current):
            # a stage is needed pixel by pixel only, so that the next may overwrite the one before
            stage = before[inside].mul_(of_before).add_(last[inside], alpha=of_last)
            stage.add_(start[inside], alpha=1 - of_last - of_before)
            stage.add_(first_slope[inside], alpha=length * of_first_slope)
            stage.addcmul_(slope, band, value=length * of_slope)
        before, last = last, before
    return State(last, first_slope, before, start, current)


def descent(energy: PottsEnergy, labels: Tensor) -> Iterator[Tuple[Tuple[Any, ...], Tensor, Tensor]]:
    """Yield bands of pixels with minus the gradient in the logits, as a product.

    Args:
        energy: What to descend on.
        labels: ``(B, C, N)``, distributions on dim 1.

    Yields:
        Index of the band; :math:`y^T g - g_c` there, 0 where labels are fixed; the labels there, the other factor.
    """
    energy = energy._replace(min_bands=BANDS)
    products = energy.products(labels, for_value=False)
    pull, push = energy.pull_and_push(products)
    for start, stop in energy.bands(labels):
        inside = (..., slice(start, stop))
        band, free = labels[inside], energy.free[:, None, start:stop].to(labels.dtype)
        slope, off = energy.forces(labels, products, pull, start, stop)
        if off.dim():
            slope.sub_(off)
        if energy.relaxation not in WITHOUT_OWN_SLOPE:
            slope.addcmul_(band, push[:, None, start:stop], value=-1)
        level = torch.linalg.vecdot(band, slope, dim=1).unsqueeze(1).mul_(free).neg_()
        yield inside, torch.addcmul(level, slope, free, out=slope), band


def _logits(labels: Tensor) -> Tensor:
    """Return logits of labels, finite also where a label is 0."""
    return labels.clamp(min=torch.finfo(labels.dtype).tiny).log()
