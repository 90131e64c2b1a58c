"""The six relaxations: by hand, against each other, against autograd."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_ssl.ops import potts
from mmseg_ssl.ops.potts import EPS, RELAXATIONS, potts_slopes

LOGARITHMIC = dict(
    collision_cross_entropy='bilinear', log_quadratic='quadratic', collision_divergence='normalized_quadratic'
)


def labels(count=2, classes=4, dtype=torch.float64):
    """Random distributions (2, C, 5)."""
    return [torch.randn(2, classes, 5, dtype=dtype).softmax(dim=1) for _ in range(count)]


def pair(p, q, relaxation):
    """The cost of one pair of labels given as lists."""
    return potts(torch.tensor([p]), torch.tensor([q]), relaxation).item()


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_one_hot_labels_are_a_potts_model(relaxation):
    """0 exactly where classes are equal, else 1, or -ln 0, which is ln(1 / EPS) here."""
    one_hot = F.one_hot(torch.arange(3)).T[None].float()  # pixel i is of class i
    for shift in range(3):
        cost = potts(one_hot, one_hot.roll(shift, dims=2), relaxation)
        if shift == 0:
            assert torch.equal(cost, torch.zeros(1, 3))
        else:
            expected = -math.log(EPS) if relaxation in LOGARITHMIC else 1.0
            torch.testing.assert_close(cost, torch.full((1, 3), expected), rtol=1e-6, atol=0)


def test_figure_1a():
    """Both pixels move from A to B: half way bi-linear costs 1 - (1/4 + 1/4) = 1/2, the others do not see it."""
    half = [0.5, 0.5]
    assert pair(half, half, 'bilinear') == 0.5
    assert pair(half, half, 'quadratic') == 0
    assert pair(half, half, 'normalized_quadratic') == pytest.approx(0, abs=1e-6)
    assert pair(half, half, 'collision_divergence') == 0
    assert pair(half, half, 'collision_cross_entropy') == pytest.approx(math.log(2), abs=1e-5)


def test_figure_1b():
    """p is A, q moves from C to B, neither is A: half way quadratic costs (1 + 1/4 + 1/4) / 2 = 3/4, the others 1."""
    p, q = [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]
    assert pair(p, q, 'quadratic') == 0.75
    assert pair(p, q, 'bilinear') == pair(p, q, 'normalized_quadratic') == 1


def test_by_hand():
    """p = (1, 0), q = (1/2, 1/2): p.q = 1/2, |p| = 1, |q| = sqrt(1/2), so the cosine is sqrt(1/2)."""
    p, q, root = [1.0, 0.0], [0.5, 0.5], math.sqrt(0.5)
    expected = (0.5, 0.25, 1 - root, -math.log(0.5), -math.log(0.75), -math.log(root))
    for relaxation, value in zip(RELAXATIONS, expected):
        assert pair(p, q, relaxation) == pytest.approx(value, abs=3e-6)


@pytest.mark.parametrize('logarithmic, plain', LOGARITHMIC.items())
def test_table_2_is_minus_log_of_one_minus_table_1(logarithmic, plain):
    p, q = labels()
    torch.testing.assert_close(potts(p, q, logarithmic), -torch.log1p(-potts(p, q, plain)), rtol=0, atol=2e-5)


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_symmetric_and_not_negative(relaxation):
    p, q = labels(dtype=torch.float32)
    assert torch.equal(potts(p, q, relaxation), potts(q, p, relaxation))
    assert (potts(p, q, relaxation) >= 0).all()


def test_collision_divergence_of_equal_labels_is_exactly_zero():
    (p,) = labels(1, classes=21, dtype=torch.float32)
    assert torch.equal(potts(p, p.clone(), 'collision_divergence'), torch.zeros(2, 5))


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_renaming_classes_changes_nothing(relaxation):
    p, q = labels()
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(potts(p, q, relaxation), potts(p[:, order], q[:, order], relaxation))


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_closed_form_gradient_is_that_of_autograd(relaxation):
    p, q = labels()
    p.requires_grad_()
    (expected,) = torch.autograd.grad(potts(p, q, relaxation).sum(), p)
    own = p.detach()
    slopes = potts_slopes((own * q).sum(dim=1), own.square().sum(dim=1), q.square().sum(dim=1), relaxation)
    gradient = slopes.other.unsqueeze(1) * q + slopes.own.unsqueeze(1) * own
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)
    assert gradcheck(lambda a, b: potts(a, b, relaxation), (p, q.requires_grad_()))


@pytest.mark.parametrize('relaxation', RELAXATIONS)
def test_extremes_stay_finite_and_half_precision_is_widened(relaxation):
    p = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.bfloat16, requires_grad=True)
    cost = potts(p, p.detach().flip(1), relaxation)
    cost.sum().backward()
    assert cost.dtype == torch.float32
    assert cost.isfinite().all()
    assert p.grad.isfinite().all()


def test_bad_arguments():
    p, q = labels()
    with pytest.raises(ValueError, match='relaxation must be one of'):
        potts(p, q, 'cubic')
    with pytest.raises(ValueError, match='of one shape'):
        potts(p, q[:1], 'bilinear')
