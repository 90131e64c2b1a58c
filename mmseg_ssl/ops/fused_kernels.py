"""Triton kernels of the fused multiplicative updates; imported only when these are asked for.

One program works on a block of pixels of one image with all their classes, in registers: a tile (classes, pixels).
Neighbors are read in place, so the products of labels that the plain solver keeps as maps are never stored.
"""

import triton
import triton.language as tl

from .fused_terms import pair_terms, unary_terms
from .potts_solvers import MAX_MOMENTUM as SOLVER_MAX_MOMENTUM
from .potts_solvers import TINY as SOLVER_TINY

# kernels see globals only in this form
MAX_MOMENTUM = tl.constexpr(SOLVER_MAX_MOMENTUM)
TINY = tl.constexpr(SOLVER_TINY)

STATE = ('best', 'scale', 'run', 'turned', 'active')
"""State of every image, one row each of (5, B) fp64: energy of the labels accepted last; size of the next step;
improvements in a row; whether those labels lie in ``second`` rather than ``first``; whether to go on."""


@triton.jit
def far_end(labels, affinity, pixel, far, listed, num_pixels, inside, is_class, at_class):
    """Load labels at the other end of edges, and affinities, which are listed at one end; 0 without an edge."""
    edge = inside & (far >= 0) & (far < num_pixels)
    weight = tl.load(affinity + listed, mask=edge, other=0)
    q = tl.load(labels + at_class + far[None, :], mask=is_class & (weight > 0)[None, :], other=0)
    return q, weight


@triton.jit
def energy_kernel(
    first, second, prediction, free, affinity, energies, num_images, num_classes, num_pixels, shifts, state,
    RELAXATION: tl.constexpr, UNARY: tl.constexpr, ETA: tl.constexpr, EDGES: tl.constexpr,
    PARTS: tl.constexpr, CLASSES: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """``energies[b, part]``: eta sum_i H(y_i, sigma_i) + sum_ij w_ij P(y_i, y_j) of the labels proposed last, in fp64.

    Every program sums each PARTS-th block of an image; an edge belongs to the pixel that lists it.
    """
    image, part = tl.program_id(1), tl.program_id(0)
    # an image that has stopped costs a launch but no work
    if tl.load(state + 4 * num_images + image) == 0:
        return
    start_of_image = image.to(tl.int64) * num_pixels
    proposed = tl.where(tl.load(state + 3 * num_images + image) == 0, second, first) + start_of_image * num_classes
    prediction += start_of_image * num_classes
    classes = tl.arange(0, CLASSES)
    is_class, at_class = (classes < num_classes)[:, None], classes[:, None] * num_pixels
    total = tl.zeros((PIXELS,), tl.float64)
    for start in range(part * PIXELS, num_pixels, PARTS * PIXELS):
        pixel = start + tl.arange(0, PIXELS)
        inside = pixel < num_pixels
        looked_for = tl.load(free + start_of_image + pixel, mask=inside, other=0) != 0
        y = tl.load(proposed + at_class + pixel[None, :], mask=is_class & inside[None, :], other=0)
        sigma = tl.load(prediction + at_class + pixel[None, :], mask=is_class & looked_for[None, :], other=0)
        square = tl.sum(y * y, 0)
        cost, _, _ = unary_terms(y, sigma, UNARY, ETA)
        total += tl.where(looked_for, cost, 0).to(tl.float64)
        for edge in tl.static_range(EDGES):
            listed = (start_of_image * EDGES + edge * num_pixels) + pixel
            q, weight = far_end(
                proposed, affinity, pixel, pixel + shifts[edge], listed, num_pixels, inside, is_class, at_class
            )
            cost, _, _ = pair_terms(tl.sum(y * q, 0), square, tl.sum(q * q, 0), RELAXATION)
            total += tl.where(weight > 0, weight * cost, 0).to(tl.float64)
    tl.store(energies + image * PARTS + part, tl.sum(total, 0))


@triton.jit
def decide(state, energies, image, num_images, TOLERANCE: tl.constexpr, PARTS: tl.constexpr):
    """Accept the labels proposed last if their energy is not higher; return the new state."""
    value = tl.sum(tl.load(energies + image * PARTS + tl.arange(0, PARTS)), 0)
    best = tl.load(state + image)
    scale = tl.load(state + num_images + image)
    run = tl.load(state + 2 * num_images + image)
    turned = tl.load(state + 3 * num_images + image)
    active = tl.load(state + 4 * num_images + image)
    # the rules of multiplicative_updates, kept in fp64: rounding would let energies seem to rise
    better = (value <= best) & (active > 0)
    scale = tl.where(better | (run > 0), scale, scale / 2)
    run = tl.where(better, run + 1, 0)
    turned = tl.where(better, 1 - turned, turned)
    active = tl.where(better & (best - value < TOLERANCE * best), 0, active)
    return tl.where(better, value, best), scale, run, turned, active


@triton.jit
def keep(next_state, image, num_images, best, scale, run, turned, active):
    """Store the state of an image."""
    tl.store(next_state + image, best)
    tl.store(next_state + num_images + image, scale)
    tl.store(next_state + 2 * num_images + image, run)
    tl.store(next_state + 3 * num_images + image, turned)
    tl.store(next_state + 4 * num_images + image, active)


@triton.jit
def pair_forces(
    y, labels, affinity, pixel, start_of_edges, num_pixels, inside, is_class, at_class, shifts,
    RELAXATION: tl.constexpr, EDGES: tl.constexpr,
):  # fmt: skip
    """Compute the pairs' gradient, push y - toward, its parts at least 0; push has one value per pixel."""
    square, toward, push = tl.sum(y * y, 0), tl.zeros_like(y), tl.zeros(pixel.shape, y.dtype)
    for edge in tl.static_range(EDGES):
        listed = start_of_edges + edge * num_pixels + pixel
        for end in tl.static_range(2):  # the pixel is at the near, then at the far end of the edge
            shift = shifts[edge]
            far, place_of_weight = (pixel + shift, listed) if end == 0 else (pixel - shift, listed - shift)
            q, weight = far_end(labels, affinity, pixel, far, place_of_weight, num_pixels, inside, is_class, at_class)
            _, pull, own = pair_terms(tl.sum(y * q, 0), square, tl.sum(q * q, 0), RELAXATION)
            toward += tl.where(weight > 0, weight * pull, 0)[None, :] * q
            push += tl.where(weight > 0, weight * own, 0)
    return toward, push


@triton.jit
def step_kernel(
    first, second, prediction, free, affinity, energies, num_images, num_classes, num_pixels, shifts, state,
    next_state,
    RELAXATION: tl.constexpr, UNARY: tl.constexpr, ETA: tl.constexpr, EDGES: tl.constexpr,
    DAMPING: tl.constexpr, TOLERANCE: tl.constexpr, PARTS: tl.constexpr, CLASSES: tl.constexpr, PIXELS: tl.constexpr,
):  # fmt: skip
    """Take a step from the labels accepted last; it overwrites those before, which are read at their own pixel only."""
    image = tl.program_id(1)
    best, scale, run, turned, active = decide(state, energies, image, num_images, TOLERANCE, PARTS)
    if tl.program_id(0) == 0:  # all programs of an image decide alike, and none reads what another writes
        keep(next_state, image, num_images, best, scale, run, turned, active)
    if active == 0:
        return
    start_of_image = image.to(tl.int64) * num_pixels
    labels = tl.where(turned == 0, first, second) + start_of_image * num_classes
    written = tl.where(turned == 0, second, first) + start_of_image * num_classes
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    classes = tl.arange(0, CLASSES)
    is_class, at_class = (classes < num_classes)[:, None], classes[:, None] * num_pixels
    inside = tl.load(free + start_of_image + pixel, mask=pixel < num_pixels, other=0) != 0
    mask, place = is_class & inside[None, :], at_class + pixel[None, :]
    y = tl.load(labels + place, mask=mask, other=0)
    sigma = tl.load(prediction + start_of_image * num_classes + place, mask=mask, other=0)

    # the gradient off + own - toward, its parts at least 0
    _, toward, off = unary_terms(y, sigma, UNARY, ETA)
    pull, push = pair_forces(
        y, labels, affinity, pixel, start_of_image * EDGES, num_pixels, inside, is_class, at_class, shifts, RELAXATION,
        EDGES,
    )  # fmt: skip
    toward += pull
    own = y * push[None, :]
    off += own

    # y <- y (a + [m]_+ + d y) / (r + [-m]_+ + d y), and a share of the step before
    level = tl.sum(y * (off - toward), 0)[None, :]
    toward += DAMPING * own + tl.maximum(level, 0) + TINY
    off += DAMPING * own + tl.maximum(-level, 0) + TINY
    target = y * toward / off
    target = y + scale.to(y.dtype) * (target / tl.sum(target, 0)[None, :] - y)
    momentum = tl.minimum(run / (run + 3), MAX_MOMENTUM).to(y.dtype)
    before = y
    if run > 0:  # else the labels there were refused
        before = tl.load(written + place, mask=mask, other=0)
    moved = tl.maximum(target + momentum * (y - before), 0.1 * target)
    tl.store(written + place, moved / tl.sum(moved, 0)[None, :], mask=mask)


INTERPRETED = not isinstance(step_kernel, triton.JITFunction)
"""True where kernels run in Python, on any device."""

next_power_of_2 = triton.next_power_of_2
