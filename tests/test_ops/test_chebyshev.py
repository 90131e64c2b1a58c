"""Runge-Kutta-Chebyshev on the equation that decides about it: du/dt = -k u, whose solution is exp(-k t)."""

import math

import pytest

from mmseg_ssl.ops.chebyshev import REACH, fewest_stages, stage_weights


def step(reach, count):
    """One step of length 1 from u = 1, with k = reach."""
    first, weights = stage_weights(count)
    before, last = 1.0, 1 - first * reach
    for of_last, of_before, of_slope, of_first_slope in weights:
        rest = (1 - of_last - of_before) - of_first_slope * reach
        before, last = last, of_last * last + of_before * before + rest - of_slope * reach * last
    return last


@pytest.mark.parametrize('count', range(2, 25))
def test_second_order(count):
    """exp(-z) = 1 - z + z^2 / 2 - ...: what is left is of third order."""
    for reach in (1e-2, 2e-2):
        assert step(reach, count) == pytest.approx(math.exp(-reach), abs=reach**3 / 3)


@pytest.mark.parametrize('count', range(2, 25))
def test_stable_as_far_as_it_says(count):
    """Nothing grows at any rate up to the reach; beyond twice that, it does. So the number of stages is right."""
    most = REACH * (count**2 - 1)
    assert all(abs(step(most * k / 200, count)) <= 1 + 1e-9 for k in range(201))
    assert abs(step(2 * most + 1, count)) > 1
    assert fewest_stages(0.999 * most) <= count < fewest_stages(1.001 * most)
