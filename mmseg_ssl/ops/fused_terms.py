"""Costs and gradients of the Potts energy in Triton, by the same formulas as :mod:`.potts` and :mod:`.unary`."""

import triton
import triton.language as tl

from .potts import EPS as POTTS_EPS

# kernels see globals only in this form
EPS = tl.constexpr(POTTS_EPS)


@triton.jit
def pair_terms(dot, square_p, square_q, RELAXATION: tl.constexpr):
    """Return cost of pairs, factor of q in minus its gradient, and factor of p in it: potts_value and potts_slopes."""
    one, zero = tl.full(dot.shape, 1, dot.dtype), tl.zeros_like(dot)
    if RELAXATION == 'bilinear':
        cost, pull, push = 1 - dot, one, zero
    elif RELAXATION == 'quadratic':
        cost, pull, push = (square_p + square_q) / 2 - dot, one, one
    elif RELAXATION == 'normalized_quadratic':
        pull = 1 / tl.sqrt(square_p * square_q)
        cost, push = 1 - dot * pull, dot * pull / square_p
    elif RELAXATION == 'collision_cross_entropy':
        cost, pull, push = -tl.log((dot + EPS) / (1 + EPS)), 1 / (dot + EPS), zero
    elif RELAXATION == 'log_quadratic':
        alike = 1 - (square_p + square_q) / 2 + dot + EPS
        cost, pull, push = -tl.log(alike / (1 + EPS)), 1 / alike, 1 / alike
    else:  # collision_divergence; three logarithms, so that equal labels cost exactly 0
        cost = (tl.log(square_p + EPS) + tl.log(square_q + EPS)) / 2 - tl.log(dot + EPS)
        pull, push = 1 / (dot + EPS), 1 / (square_p + EPS)
    return cost, pull, push


@triton.jit
def unary_terms(y, sigma, UNARY: tl.constexpr, ETA: tl.constexpr):
    """Return cost of labels, and the minus and plus parts of its gradient: unary_value and unary_forces."""
    zero = tl.zeros_like(y)
    if UNARY == 'standard':
        cost, toward, off = -tl.sum(y * sigma, 0), zero, -sigma
    elif UNARY == 'reverse':
        cost, toward, off = -tl.sum(sigma * tl.log(y + EPS), 0), sigma / (y + EPS), zero
    elif UNARY == 'collision':
        met = tl.sum(y * sigma, 0) + EPS
        cost, toward, off = -tl.log(met), sigma / met[None, :], zero
    else:  # quadratic
        cost, toward, off = tl.sum((y - sigma) * (y - sigma), 0) / 2, sigma, y
    return ETA * cost, ETA * toward, ETA * off
