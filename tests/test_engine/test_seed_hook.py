"""Random numbers of a step depend on seed, iteration and rank alone."""

import random
from types import SimpleNamespace

import numpy as np
import torch

from mmseg_ssl.engine import SeedHook, seed_hook


def draws(seed=0, iteration=0, batch_idx=0):
    SeedHook().before_train_iter(SimpleNamespace(seed=seed, iter=iteration), batch_idx)
    return random.random(), np.random.rand(), torch.rand(()).item(), torch.randn(()).item()


def test_same_step_same_numbers_whatever_came_before():
    first = draws(3, 7)
    torch.rand(1000), np.random.rand(1000), random.random()
    assert draws(3, 7, batch_idx=99) == first


def test_every_generator_differs_between_steps_and_seeds():
    for one, other in zip(draws(3, 7), draws(3, 8)):
        assert one != other
    for one, other in zip(draws(3, 7), draws(4, 7)):
        assert one != other
    # (seed, iteration) are not added up: neighbors on the diagonal differ too
    assert draws(3, 7) != draws(4, 6)


def test_ranks_draw_different_noise(monkeypatch):
    first = draws(3, 7)
    monkeypatch.setattr(seed_hook, 'get_rank', lambda: 1)
    assert all(one != other for one, other in zip(first, draws(3, 7)))
