"""``sample_per_class``, ``chosen_per_class`` and ``sample_windows``."""

import pytest
import torch

from mmseg_ssl.ops import chosen_per_class, sample_per_class, sample_windows


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


def test_places_of_every_class():
    """Three places per class: 0 fills all, 1 two of them, 2 none, 3 one; the drawn ones are those of the other form."""
    labels = torch.tensor([0, 0, 255, 0, 1, 0, 255, 3, 0, 1, 0, 0, 255])
    drawn = sample_per_class(labels, 3, num_classes=4)
    assert [labels[i].item() if i >= 0 else None for i in drawn] == [
        0,
        0,
        0,
        1,
        1,
        None,
        None,
        None,
        None,
        3,
        None,
        None,
    ]
    for seed in range(5):
        torch.manual_seed(seed)
        compact = sample_per_class(labels, 2)
        torch.manual_seed(seed)
        places = sample_per_class(labels, 2, num_classes=4)
        assert places[places >= 0].tolist() == compact.tolist()
    for nothing in (torch.full((4,), 255), torch.zeros(0).long()):
        assert sample_per_class(nothing, 2, num_classes=3).tolist() == [-1] * 6


def test_windows():
    """Squares inside the map, each corner reached; a map that is smaller is taken whole."""
    windows = sample_windows(4, 5, 3, 200, torch.device('cpu'))
    assert windows.shape == (200, 9)
    corners = {(index // 5, index % 5) for index in windows[:, 0].tolist()}
    assert corners == {(top, left) for top in range(2) for left in range(3)}
    for window in windows[:20]:
        assert (window - window[0]).tolist() == [0, 1, 2, 5, 6, 7, 10, 11, 12]
    assert sample_windows(2, 3, 8, 1, torch.device('cpu')).tolist() == [[0, 1, 2, 3, 4, 5]]
    with pytest.raises(ValueError, match='at least 1'):
        sample_windows(4, 4, 0, 1, torch.device('cpu'))


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
