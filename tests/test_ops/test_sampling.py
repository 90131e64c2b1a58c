"""``sample_per_class`` and ``chosen_per_class``."""

import pytest
import torch

from mmseg_ssl.ops import chosen_per_class, sample_per_class


def test_so_many_of_every_class():
    """Seven of class 0, two of class 1, one of class 3, three ignored; at most three each: 3 + 2 + 1."""
    labels = torch.tensor([0, 0, 255, 0, 1, 0, 255, 3, 0, 1, 0, 0, 255])
    drawn = sample_per_class(labels, 3)
    assert len(set(drawn.tolist())) == len(drawn)
    assert labels[drawn].tolist() == [0, 0, 0, 1, 1, 3]
    assert sorted(sample_per_class(labels, 99).tolist()) == (labels != 255).nonzero().flatten().tolist()


def test_every_pixel_is_as_likely():
    """100 pixels, 20 drawn, 500 times: every one about 100 times; five standard deviations (8.9) leave room."""
    labels = torch.zeros(100).long()
    counts = sum(torch.bincount(sample_per_class(labels, 20), minlength=100) for _ in range(500))
    assert 55 < counts.min() and counts.max() < 145


def test_the_seed_decides():
    labels = torch.randint(0, 3, (50,))
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(sample_per_class(labels, 5).tolist())
    assert draws[0] == draws[1] != draws[2]


def test_nothing_to_draw_and_errors():
    assert sample_per_class(torch.full((4,), 255), 2).numel() == 0
    assert sample_per_class(torch.zeros(0).long(), 2).numel() == 0
    with pytest.raises(ValueError, match='flat'):
        sample_per_class(torch.zeros(2, 2).long(), 2)


def test_the_mask_marks_what_the_indices_say():
    labels = torch.randint(0, 4, (200,))
    labels[:30] = 255
    for per_class in (1, 20, 200):
        torch.manual_seed(3)
        chosen = chosen_per_class(labels, per_class)
        torch.manual_seed(3)
        assert chosen.nonzero()[:, 0].tolist() == sample_per_class(labels, per_class).sort().values.tolist()


def test_a_mask_of_nothing():
    assert chosen_per_class(torch.zeros(0).long(), 3).shape == (0,)
    with pytest.raises(ValueError, match='per_class >= 1'):
        chosen_per_class(torch.zeros(4).long(), 0)
