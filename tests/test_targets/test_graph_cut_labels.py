"""Hard labels by graph cut."""

import pytest
import torch

from mmseg_ssl.ops.affinity import GRID_OFFSETS, grid_affinity
from mmseg_ssl.ops.neighborhood import offset_potts
from mmseg_ssl.targets import hard_self_label

pytest.importorskip('maxflow')


def two_colors(width=8):
    """Left half black, right half white; one seed in each, and a prediction that knows nothing."""
    images = torch.zeros(1, 3, 4, width)
    images[..., width // 2 :] = 255
    seeds = torch.full((1, 4, width), 255)
    seeds[0, 1, 1], seeds[0, 2, -2] = 2, 0
    return torch.zeros(1, 3, 4, width), images, seeds


@pytest.mark.parametrize('connectivity', [4, 8])
def test_regions_of_one_color_take_their_seeds_class(connectivity):
    """A bandwidth so narrow that crossing the border is free; class 1 is not scribbled."""
    logits, images, seeds = two_colors()
    label, weight = hard_self_label(logits, images, seeds, bandwidth=5.0, connectivity=connectivity)
    assert (label[..., :4] == 2).all() and (label[..., 4:] == 0).all()
    assert (weight == 1).all()


def test_seeds_stay_whatever_the_prediction_says():
    logits, images, seeds = two_colors()
    logits[:, 1] = 50.0
    label, _ = hard_self_label(logits, images, seeds, unary_weight=1.0, potts_weight=0.1)
    assert (label[seeds != 255] == seeds[seeds != 255]).all()
    assert not (label == 1).any()  # not scribbled in this image


def test_a_class_that_is_scribbled_outside_of_the_crop_is_possible():
    """Class 1 has no seed, but the image that this is a crop of does; the prediction is sure of it."""
    logits, images, seeds = two_colors()
    logits[:, 1, :, 4:] = 50.0
    known = torch.zeros(1, 256, dtype=torch.bool)
    known[0, 1] = True
    options = dict(unary_weight=1.0, potts_weight=0.1)
    label, _ = hard_self_label(logits, images, seeds, image_classes=known, **options)
    right = label[..., 4:]
    assert (right[seeds[..., 4:] == 255] == 1).all() and (label[seeds != 255] == seeds[seeds != 255]).all()


def test_without_potts_it_is_the_prediction():
    logits, images, seeds = two_colors()
    logits = torch.randn_like(logits)
    label, _ = hard_self_label(logits, images, torch.full_like(seeds, 255), potts_weight=0.0)
    assert torch.equal(label, logits.argmax(dim=1))


@pytest.mark.parametrize(
    ('unary_weight', 'bandwidth', 'apart'), [(0.8, 'adaptive', True), (0.4, 'adaptive', False), (0.4, 5.0, True)]
)
def test_two_pixels_by_hand(unary_weight, bandwidth, apart):
    """Apart they save unary_weight * ln(0.8 / 0.2), 1.109 or 0.555, and pay their affinity, exp(-1/2) = 0.607 at a
    bandwidth of their own distance, 10, and exp(-2) = 0.135 at one of 5.
    """
    logits = torch.tensor([[[[0.8, 0.2]], [[0.2, 0.8]]]]).log()
    images = torch.tensor([0.0, 10.0]).view(1, 1, 1, 2) * torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    options = dict(unary_weight=unary_weight, potts_weight=1.0, bandwidth=bandwidth)
    label, _ = hard_self_label(logits, images, torch.full((1, 1, 2), 255), **options)
    assert (label[0, 0, 0] != label[0, 0, 1]) == apart


def test_padding_has_no_label_and_no_influence():
    """Labels of an image do not change when padding of any color, seed and prediction is beside it."""
    logits, images, seeds = two_colors()
    logits = torch.randn_like(logits)
    options = dict(unary_weight=1.0, potts_weight=1.0, bandwidth='adaptive')
    expected, _ = hard_self_label(logits, images, seeds, **options)
    padded = [torch.cat([values, values], dim=-1) for values in (logits, images, seeds)]
    padded[0][..., 8:] = float('nan')
    padded[2][..., 8:] = 1
    valid = torch.zeros(1, 4, 16, dtype=torch.bool)
    valid[..., :8] = True
    label, weight = hard_self_label(*padded, valid=valid, **options)
    assert torch.equal(label[..., :8], expected)
    assert (label[..., 8:] == 255).all()
    assert torch.equal(weight.bool(), valid)


def energy_of(label, logits, images, bandwidth):
    """With the six relaxations' own sum, which is [p != q] on one-hot labels: -sum ln sigma + sum w [l != l']."""
    one_hot = torch.nn.functional.one_hot(label, logits.shape[1]).movedim(-1, 1).float()
    valid = torch.ones_like(label, dtype=torch.bool)
    cost = offset_potts(one_hot, grid_affinity(images, bandwidth, 8), GRID_OFFSETS[8], valid, 'bilinear').total
    return (-(logits.log_softmax(dim=1) * one_hot).sum() + cost.sum()).item()


def test_the_energy_is_lower_than_the_predictions():
    logits, images, seeds = two_colors(12)
    logits, seeds = torch.randn_like(logits), torch.full_like(seeds, 255)
    label, _ = hard_self_label(logits, images, seeds, unary_weight=1.0, potts_weight=1.0)
    others = [logits.argmax(dim=1), *(torch.full_like(label, c) for c in range(3))]
    found, *higher = (energy_of(one, logits, images, 'adaptive') for one in (label, *others))
    assert found < min(higher)


def test_a_second_round_goes_on():
    """In one of many random images; most are done after the first."""
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn(1, 4, 4, 5, generator=generator)
    images = torch.randint(0, 60, (1, 3, 4, 5), generator=generator).float()
    options = dict(unary_weight=1.0, potts_weight=1.0, bandwidth=30.0)
    labels = [
        hard_self_label(logits, images, torch.full((1, 4, 5), 255), max_iterations=count, **options).label
        for count in (1, 2)
    ]
    first, second = (energy_of(label, logits, images, 30.0) for label in labels)
    assert second < first - 0.01


@pytest.mark.parametrize('options', [dict(unary_weight=-1.0), dict(potts_weight=-1.0), dict(max_iterations=0)])
def test_impossible_numbers_are_refused(options):
    with pytest.raises(ValueError, match='max_iterations at least 1'):
        hard_self_label(*two_colors(), **options)


def test_other_sizes_are_refused():
    logits, images, seeds = two_colors()
    with pytest.raises(ValueError, match=r"got {'images': \(1, 4, 8\), 'seeds': \(1, 4, 8\)}\. Resize the logits"):
        hard_self_label(logits[..., ::2], images, seeds)
