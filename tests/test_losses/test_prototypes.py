"""Contrast of pixels with class prototypes, and repulsion of classes: the functions."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from mmseg_ssl.models.losses import prototype_contrast, prototype_repulsion


def cosine(a, b) -> float:
    return float(a @ b / a.norm() / b.norm())


def slow(embeddings, labels, prototypes, known, temperature):
    """The equation, in loops."""
    costs = []
    for e, y in zip(embeddings, labels.tolist()):
        if y == 255 or not known[y]:
            costs.append(0.0)
            continue
        near = {k: math.exp(cosine(e, mu) / temperature) for k, mu in enumerate(prototypes) if known[k]}
        costs.append(-math.log(near[y] / sum(near.values())))
    return torch.tensor(costs)


def test_by_hand():
    """e along mu_0, mu_1 across, tau 1/2: -ln(e^2 / (e^2 + 1)) = ln(1 + e^-2)."""
    cost = prototype_contrast(
        torch.tensor([[3.0, 0.0]]), torch.tensor([0]), 2 * torch.eye(2), torch.ones(2, dtype=torch.bool), 0.5
    )
    torch.testing.assert_close(cost, torch.tensor([math.log(1 + math.exp(-2))]))


def test_equals_the_loop():
    embeddings, prototypes = torch.randn(30, 5), torch.randn(6, 5)
    labels, known = torch.randint(0, 6, (30,)), torch.tensor([1, 1, 0, 1, 1, 0]).bool()
    labels[:5] = 255
    assert not known[labels[5:]].all()
    cost = prototype_contrast(embeddings, labels, prototypes, known, 0.2)
    torch.testing.assert_close(cost, slow(embeddings, labels, prototypes, known, 0.2))


@pytest.mark.parametrize('count', [1, 2, 5])
def test_equal_similarities_give_the_logarithm_of_the_number_of_prototypes(count):
    """The unknown prototypes do not count."""
    prototypes, known = torch.randn(6, 4), torch.arange(6) < count
    prototypes[known] = torch.randn(4)
    cost = prototype_contrast(torch.randn(3, 4), torch.zeros(3).long(), prototypes, known, 0.1)
    torch.testing.assert_close(cost, torch.full((3,), math.log(count)))


def test_lengths_and_names_do_not_matter():
    embeddings, prototypes = torch.randn(9, 4), torch.randn(5, 4)
    labels, known, order = torch.randint(0, 5, (9,)), torch.tensor([1, 0, 1, 1, 1]).bool(), torch.randperm(5)
    cost = prototype_contrast(embeddings, labels, prototypes, known, 0.1)
    same = prototype_contrast(3 * embeddings, order.argsort()[labels], 2 * prototypes[order], known[order], 0.1)
    torch.testing.assert_close(cost, same)


@pytest.mark.parametrize('case', ['ignored', 'class unknown', 'nothing known', 'empty'])
def test_nothing_to_teach(case):
    """Cost 0 and a gradient of exactly 0."""
    embeddings = torch.randn(0 if case == 'empty' else 3, 4, requires_grad=True)
    labels = torch.full((len(embeddings),), 255 if case == 'ignored' else 1)
    known = torch.tensor([case != 'nothing known', case in ('ignored', 'empty')])
    cost = prototype_contrast(embeddings, labels, torch.randn(2, 4), known, 0.1)
    cost.sum().backward()
    assert torch.equal(cost, torch.zeros_like(cost))
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


def test_gradchecks():
    embeddings = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    prototypes = torch.randn(4, 3, dtype=torch.float64)
    labels, known = torch.tensor([0, 1, 2, 255, 3]), torch.tensor([True, True, False, True])
    assert gradcheck(lambda e: prototype_contrast(e, labels, prototypes, known, 0.5), embeddings)
    present = torch.tensor([True, True, False, True, False])
    assert gradcheck(
        lambda e: prototype_repulsion(e[:4], present[:4], prototypes, known, -0.9), embeddings
    )  # every pair beyond the margin: the hinge is smooth there


def test_bf16_is_widened():
    embeddings, prototypes = torch.randn(9, 16), torch.randn(5, 16)
    labels, known = torch.randint(0, 5, (9,)), torch.ones(5, dtype=torch.bool)
    exact = prototype_contrast(embeddings, labels, prototypes, known, 0.1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(prototype_contrast(embeddings, labels, prototypes, known, 0.1), exact)


def test_repulsion_by_hand():
    """Classes 0 and 1 in the batch, 0 to 2 known. cos(e_0, mu_1) = 0.6, cos(e_0, mu_2) = 0, cos(e_1, mu_0) = 0 and
    cos(e_1, mu_2) = 1 over the margin 0.2: (0.4 + 0 + 0 + 0.8) / 4 = 0.3; a class never pays for its own prototype.
    """
    means = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [1.0, 1.0]])
    prototypes = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [1.0, 0.0]])
    present, known = torch.tensor([True, True, False, False]), torch.tensor([True, True, True, False])
    torch.testing.assert_close(prototype_repulsion(means, present, prototypes, known, 0.2), torch.tensor(0.3))


def test_repulsion_of_nothing():
    means = torch.zeros(3, 2, requires_grad=True)
    nothing = torch.zeros(3, dtype=torch.bool)
    push = prototype_repulsion(means, nothing, torch.zeros(3, 2), nothing, 0.2)
    push.backward()
    assert push == 0
    assert torch.equal(means.grad, torch.zeros(3, 2))


def test_errors():
    e, y, known = torch.zeros(2, 3), torch.zeros(2).long(), torch.ones(4, dtype=torch.bool)
    with pytest.raises(ValueError, match='temperature > 0, got 0'):
        prototype_contrast(e, y, torch.zeros(4, 3), known, 0)
    with pytest.raises(ValueError, match=r'\(2, 3\), \(2,\), \(4, 5\) and \(4,\)'):
        prototype_contrast(e, y, torch.zeros(4, 5), known, 0.1)
