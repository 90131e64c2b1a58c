"""Runge-Kutta-Chebyshev: an explicit method whose steps may be long where changes decay (RKC of second order).

Sommeijer, Shampine & Verwer, "RKC: An explicit solver for parabolic PDEs", J. Comput. Appl. Math. 88, 1998.
"""

import math
from typing import List, Tuple

DAMPING = 2 / 13
"""Of the Chebyshev polynomials, as usual: 5 % of the fastest oscillation is gone after a step."""

REACH = 0.653
"""A step of s stages is stable if its length times the largest rate of decay is at most this times s^2 - 1."""


def fewest_stages(reach: float) -> int:
    """Return the fewest stages of a step whose length times the largest rate of decay is so much, at least 2."""
    return max(2, math.ceil(math.sqrt(reach / REACH + 1)))


def stage_weights(count: int) -> Tuple[float, List[Tuple[float, float, float, float]]]:
    r"""Compute the weights of RKC of second order with so many stages.

    With :math:`T_j` the Chebyshev polynomials, :math:`w_0 = 1 + \epsilon / s^2`,
    :math:`w_1 = T_s'(w_0) / T_s''(w_0)` and :math:`b_j = T_j''(w_0) / T_j'(w_0)^2`, stage :math:`j` is

    .. math:: u_j = (1 - \mu_j - \nu_j) u_0 + \mu_j u_{j-1} + \nu_j u_{j-2}
                    + \tilde\mu_j h f_{j-1} - (1 - b_{j-1} T_{j-1}(w_0)) \tilde\mu_j h f_0

    with :math:`\mu_j = 2 b_j w_0 / b_{j-1}`, :math:`\nu_j = -b_j / b_{j-2}`, :math:`\tilde\mu_j = 2 b_j w_1 / b_{j-1}`.

    Args:
        count: Stages :math:`s`, at least 2, each with one gradient.

    Returns:
        :math:`b_1 w_1`, weight of the first slope in the first stage; and for each further stage the weights of the
        last stage, of the one before, of the slope at the last stage, and of the first slope.
    """
    w0 = 1 + DAMPING / count**2
    value, slope, bend = [1.0, w0], [0.0, 1.0], [0.0, 0.0]
    for _ in range(2, count + 1):
        bend.append(4 * slope[-1] + 2 * w0 * bend[-1] - bend[-2])
        slope.append(2 * value[-1] + 2 * w0 * slope[-1] - slope[-2])
        value.append(2 * w0 * value[-1] - value[-2])
    w1 = slope[count] / bend[count]
    b = [bend[j] / slope[j] ** 2 for j in range(2, count + 1)]
    b = [b[0], b[0], *b]
    weights = []
    for j in range(2, count + 1):
        of_slope = 2 * b[j] * w1 / b[j - 1]
        of_first = -(1 - b[j - 1] * value[j - 1]) * of_slope
        weights.append((2 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], of_slope, of_first))
    return b[1] * w1, weights
