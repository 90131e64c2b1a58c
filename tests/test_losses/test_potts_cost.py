"""The Potts term of the regularized loss: which pairs, divided by what."""

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_ssl.models.losses import PottsCost
from mmseg_ssl.models.losses.potts_cost import NEIGHBORHOODS, NORMALIZATIONS
from mmseg_ssl.ops.potts import RELAXATIONS
from mmseg_ssl.structures import Scribbles


def row(*probs, seeds=()):
    """One image of one row, black; probabilities of class 0 of two."""
    probs = torch.tensor([[list(probs)]])
    labels = torch.full((1, 1, probs.shape[2]), 255)
    labels[0, 0, list(seeds)] = 0
    scribbles = Scribbles(torch.zeros(1, 3, 1, probs.shape[2]), labels, torch.ones_like(labels, dtype=torch.bool))
    return torch.stack([probs, 1 - probs], dim=1), scribbles


@pytest.mark.parametrize(('normalization', 'divisor'), [('images', 1), ('edges', 3), ('pixels', 2)])
def test_hand_derived_values(normalization, divisor):
    """(1, 0), (1, 0), (0, 1), (1/2, 1/2): half the squared distances of neighbors are 0, 1 and 1/4, all affinities 1.
    Three edges; two of the four pixels are unlabeled.
    """
    probs, scribbles = row(1.0, 1.0, 0.0, 0.5, seeds=(0, 1))
    loss = PottsCost(normalization=normalization, weight=2.0)(probs, scribbles)
    assert loss.item() == pytest.approx(2 * 1.25 / divisor)


@pytest.mark.parametrize(
    ('normalization', 'expected', 'factors'),
    [
        ('edges', (1.25 / 3 + 1) / 2, (1 / 6, 1 / 2)),
        ('images', (1.25 + 1) / 2, (1 / 2, 1 / 2)),
        ('pixels', (1.25 + 1) / 6, (1 / 6, 1 / 6)),
    ],
)
def test_images_of_different_padding(normalization, expected, factors):
    """The row above, three edges that cost 1.25, and (1, 0), (0, 1), one edge that costs 1, and two pixels of padding.

    By edges it is the mean over images of 1.25 / 3 and 1 / 1, not 2.25 / 4, so that the one edge weighs as much as
    three. The slope of (p - q)^2 / 2 is p - q: at the third pixel -1 - 1/2, at the first of the other image 1.
    """
    probs = torch.cat([row(1.0, 1.0, 0.0, 0.5)[0], row(1.0, 0.0, 0.3, 0.8)[0]]).requires_grad_()
    valid = torch.tensor([[[True] * 4], [[True, True, False, False]]])
    scribbles = Scribbles(torch.zeros(2, 3, 1, 4), torch.full((2, 1, 4), 255), valid)
    loss = PottsCost(normalization=normalization)(probs, scribbles)
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert probs.grad[0, 0, 0, 2].item() == pytest.approx(-1.5 * factors[0])
    assert probs.grad[1, 0, 0, 0].item() == pytest.approx(factors[1])


def test_an_image_without_an_unlabeled_pixel_counts():
    """A row whose three edges cost 1.25, and the same row fully labeled: 2.5 by four unlabeled pixels; later by six."""
    probs = torch.cat([row(1.0, 1.0, 0.0, 0.5)[0]] * 2)
    seeds = torch.tensor([[[255] * 4], [[0] * 4]])
    scribbles = Scribbles(torch.zeros(2, 3, 1, 4), seeds, torch.ones_like(seeds, dtype=torch.bool))
    assert PottsCost()(probs, scribbles).item() == pytest.approx(2.5 / 4)
    seeds[1, 0, 2:] = 255
    assert PottsCost()(probs, scribbles).item() == pytest.approx(2.5 / 6)


def test_diagonals_count_by_their_length():
    """Two rows of different labels: two edges cross, each at 1, and with 8 neighbors two diagonals, at 1 / sqrt(2)."""
    probs = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]]])
    labels = torch.full((1, 2, 2), 255)
    scribbles = Scribbles(torch.zeros(1, 3, 2, 2), labels, torch.ones_like(labels, dtype=torch.bool))
    for connectivity, expected in ((4, 2), (8, 2 + 2**0.5)):
        loss = PottsCost('bilinear', connectivity=connectivity, normalization='images')(probs, scribbles)
        assert loss.item() == pytest.approx(expected)


def test_all_pairs_are_those_of_the_cells():
    """(1, 0) and (0, 1) in one cell are (1/2, 1/2), which differs from no other cell; two cells of their own differ."""
    probs, scribbles = row(1.0, 0.0)
    assert PottsCost(neighborhood='dense', resolution=1)(probs, scribbles) == 0
    assert PottsCost(neighborhood='dense', resolution=2)(probs, scribbles) > 0.4


def test_far_pairs_count_with_the_grids():
    """On one row of equal colors each random step adds the pairs at its distance; all are divided by their number."""
    probs, scribbles = row(1.0, 0.0, 1.0, 0.0)
    loss = PottsCost('bilinear', neighborhood='nonlocal', radius=1.4, partners=64, normalization='edges')
    torch.manual_seed(0)
    near_only = PottsCost('bilinear', normalization='edges')(probs, scribbles)
    assert near_only == 1
    # every step is one to the right (or off the row): all pairs differ
    assert loss(probs, scribbles) == pytest.approx(1.0)
    far = PottsCost('bilinear', neighborhood='nonlocal', radius=3.0, partners=200, normalization='edges')
    assert 0.2 < far(probs, scribbles) < 0.9  # steps of two join equal pixels


@pytest.mark.parametrize('neighborhood', NEIGHBORHOODS)
@pytest.mark.parametrize('normalization', NORMALIZATIONS)
@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_every_combination(neighborhood, normalization, relaxation):
    """Finite with finite gradients, 0 for a map of one label, inert on padding, finite where nothing is valid."""
    loss = MODELS.build(
        dict(type='PottsCost', relaxation=relaxation, neighborhood=neighborhood, normalization=normalization)
    )
    logits = torch.randn(2, 3, 6, 6, requires_grad=True)
    valid = torch.ones(2, 6, 6, dtype=torch.bool)
    valid[:, :, 4:] = False
    scribbles = Scribbles(torch.rand(2, 3, 6, 6) * 20, torch.full((2, 6, 6), 255), valid)
    value = loss(logits.softmax(dim=1), scribbles)
    (grad,) = torch.autograd.grad(value, logits)
    assert value > 0 and grad.isfinite().all()
    assert grad[..., 4:].abs().max() == 0 and grad[..., :4].abs().max() > 0

    certain = torch.zeros(2, 3, 6, 6)
    certain[:, 1] = 1.0
    assert loss(certain, scribbles).item() == pytest.approx(0, abs=1e-6)

    nothing = scribbles._replace(valid=torch.zeros_like(valid))
    value = loss(logits.softmax(dim=1), nothing)
    (grad,) = torch.autograd.grad(value, logits)
    assert value == 0 and not grad.any()


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(relaxation='potts'), 'relaxation must be one of'),
        (dict(neighborhood='far'), 'neighborhood must be one of'),
        (dict(normalization='mean'), 'normalization must be one of'),
        (dict(connectivity=6), 'connectivity must be one of'),
        (dict(weight=-1.0), 'at least 0'),
        (dict(radius=0.5), 'radius and resolution at least 1'),
        (dict(bandwidth=0.0), 'bandwidth is above 0'),
        (dict(bandwidth='wide'), 'bandwidth is above 0'),
        (dict(bandwidth='adaptive', neighborhood='dense'), "with neighborhood='nearest'"),
    ],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        PottsCost(**options)
