"""CPCL's disagreement, intersection and union: worked by hand, and against loops that transcribe the formulas."""

import pytest
import torch

from mmseg_ssl.structures import PixelTarget
from mmseg_ssl.targets import agreement, disagreement, intersection, union, vote


def random_probs(seed: int, classes: int = 5, size: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(2, classes, size, size, generator=generator)).softmax(dim=1)


def loop_disagreement(labels_a, labels_b, classes):
    """The formula of CPCL, entry by entry: K counts pairs, plus one on the diagonal."""
    confusion = [[1.0 if i == j else 0.0 for j in range(classes)] for i in range(classes)]
    for a, b in zip(labels_a.flatten().tolist(), labels_b.flatten().tolist()):
        if 0 <= a < classes and 0 <= b < classes:
            confusion[a][b] += 1
    indicator = []
    for k in range(classes):
        column, row = sum(confusion[i][k] for i in range(classes)), sum(confusion[k])
        indicator.append((column - confusion[k][k]) / column + (row - confusion[k][k]) / row)
    return torch.tensor([value / (sum(indicator) + 1e-6) for value in indicator])


def test_disagreement_by_hand():
    """Labels a = 0 0 1 1, b = 0 1 1 1 of three classes.

    K plus the diagonal of ones: rows (2, 1, 0), (0, 3, 0), (0, 0, 1). Class 0: column 2, of it 2 agreed: 0; row 3, of
    it 2 agreed: 1/3. Class 1: column 4, 3 agreed: 1/4; row 3: 0. Class 2 was never seen: 0.
    Sum 7/12, so I = 4/7, 3/7, 0.
    """
    labels_a, labels_b = torch.tensor([[[0, 0], [1, 1]]]), torch.tensor([[[0, 1], [1, 1]]])
    expected = torch.tensor([4 / 7, 3 / 7, 0])
    torch.testing.assert_close(disagreement(labels_a, labels_b, 3), expected, rtol=1e-5, atol=0)


def test_disagreement_equals_the_loop():
    labels_a, labels_b = torch.randint(0, 7, (3, 9, 9)), torch.randint(0, 7, (3, 9, 9))
    expected = loop_disagreement(labels_a, labels_b, 7)
    torch.testing.assert_close(disagreement(labels_a, labels_b, 7), expected)
    assert disagreement(labels_a, labels_b, 7).sum() == pytest.approx(1, abs=1e-5)


def test_labels_outside_the_classes_do_not_count():
    labels_a, labels_b = torch.randint(0, 4, (1, 6, 6)), torch.randint(0, 4, (1, 6, 6))
    expected = disagreement(labels_a[:, :3], labels_b[:, :3], 4)
    labels_a[:, 3], labels_b[:, 4], labels_a[:, 5] = 255, 4, -1
    assert torch.equal(disagreement(labels_a, labels_b, 4), expected)


def test_disagreement_limits():
    """Agreement everywhere is 0; the two networks may be exchanged; renaming classes renames the indicator."""
    labels_a, labels_b = torch.randint(0, 5, (2, 8, 8)), torch.randint(0, 5, (2, 8, 8))
    assert torch.equal(disagreement(labels_a, labels_a, 5), torch.zeros(5))
    torch.testing.assert_close(disagreement(labels_a, labels_b, 5), disagreement(labels_b, labels_a, 5))
    new_name = torch.tensor([3, 0, 4, 1, 2])
    renamed = disagreement(new_name[labels_a], new_name[labels_b], 5)
    torch.testing.assert_close(renamed[new_name], disagreement(labels_a, labels_b, 5))


def test_disagreement_is_over_all_processes(monkeypatch):
    """Trap 9 of the host: a statistic over the batch is all-reduced; here the other process sees the second half."""
    labels_a, labels_b = torch.randint(0, 4, (2, 8, 8)), torch.randint(0, 4, (2, 8, 8))
    together = disagreement(labels_a, labels_b, 4)
    seen = []
    monkeypatch.setattr(agreement, 'all_reduce', lambda counts, *_: seen.append(counts.clone()))
    disagreement(labels_a[1:], labels_b[1:], 4)
    monkeypatch.setattr(agreement, 'all_reduce', lambda counts, *_: counts.add_(seen[0]))
    assert torch.equal(disagreement(labels_a[:1], labels_b[:1], 4), together)


def test_intersection_by_hand():
    """Pixel 1: both say class 0 with 0.6 and 0.8, weight 0.7. Pixel 2: class 0 against 1, ignored with weight 0."""
    probs_a = torch.tensor([[0.6, 0.4], [0.9, 0.1]]).T.reshape(1, 2, 1, 2)
    probs_b = torch.tensor([[0.8, 0.2], [0.3, 0.7]]).T.reshape(1, 2, 1, 2)
    target = intersection(probs_a, probs_b)
    assert target.label.tolist() == [[[0, 255]]]
    torch.testing.assert_close(target.weight, torch.tensor([[[0.7, 0.0]]]))


@pytest.mark.parametrize(
    ('indicator', 'label', 'weight'),
    [([0.6, 0.4], 0, 0.9), ([0.4, 0.6], 1, 0.7), ([0.5, 0.5], 1, 0.7)],
    ids=['first', 'second', 'tie'],
)
def test_union_by_hand(indicator, label, weight):
    """The networks say class 0 with 0.9 and class 1 with 0.7: the class with the larger indicator wins with the
    confidence of its network; on a tie, the formula (``if I[a] > I[b] else b``) takes the second network.
    """
    probs_a = torch.tensor([0.9, 0.1]).reshape(1, 2, 1, 1)
    probs_b = torch.tensor([0.3, 0.7]).reshape(1, 2, 1, 1)
    target = union(probs_a, probs_b, torch.tensor(indicator))
    assert target.label.item() == label
    assert target.weight.item() == pytest.approx(weight)


def test_targets_equal_the_loop():
    probs_a, probs_b = random_probs(1), random_probs(2)
    indicator = loop_disagreement(probs_a.argmax(1), probs_b.argmax(1), 5)
    both, either = intersection(probs_a, probs_b), union(probs_a, probs_b)
    for b in range(2):
        for y in range(6):
            for x in range(6):
                p, q = probs_a[b, :, y, x], probs_b[b, :, y, x]
                i, j = int(p.argmax()), int(q.argmax())
                mean = (float(p.max()) + float(q.max())) / 2
                if i == j:
                    wanted = ((i, mean), (i, mean))
                else:
                    won = (i, float(p.max())) if indicator[i] > indicator[j] else (j, float(q.max()))
                    wanted = ((255, 0.0), won)
                for target, (label, weight) in zip((both, either), wanted):
                    assert target.label[b, y, x] == label
                    assert target.weight[b, y, x].item() == pytest.approx(weight, abs=1e-6)


def test_the_intersection_is_a_subset_of_the_union():
    both, either = intersection(random_probs(3), random_probs(4)), union(random_probs(3), random_probs(4))
    agreed = both.label != 255
    assert 0 < agreed.sum() < agreed.numel()
    assert torch.equal(both.label[agreed], either.label[agreed])
    assert torch.equal(both.weight[agreed], either.weight[agreed])
    assert (both.weight[~agreed] == 0).all()
    assert (either.label < 5).all()
    assert (either.weight > 0).all()


def test_renaming_classes_renames_the_targets():
    order = torch.tensor([2, 0, 4, 1, 3])  # channel k of the renamed maps is class order[k]
    new_name = order.argsort()
    probs_a, probs_b = random_probs(5), random_probs(6)
    for make in (intersection, union):
        old, renamed = make(probs_a, probs_b), make(probs_a[:, order], probs_b[:, order])
        known = old.label != 255
        assert torch.equal(new_name[old.label[known]], renamed.label[known])
        torch.testing.assert_close(old.weight, renamed.weight)


def test_a_vote_says_all_that_the_targets_ask():
    """The likeliest class and its probability; the targets of two votes are those of the probabilities."""
    probs_a, probs_b = random_probs(9), random_probs(10)
    votes = vote(probs_a), vote(probs_b)
    assert votes[0].num_classes == 5 and vote(votes[0]) is votes[0]
    assert torch.equal(votes[0].label, probs_a.argmax(dim=1))
    assert torch.equal(votes[0].confidence, probs_a.amax(dim=1))
    for make in (intersection, union):
        for one, other in zip(make(*votes), make(probs_a, probs_b)):
            assert torch.equal(one, other)


def test_one_hot_and_uniform_predictions():
    """One-hot agreement has weight 1; two uniform maps agree on the first class with weight 1/C."""
    one_hot = torch.eye(4)[torch.randint(0, 4, (1, 3, 3))].permute(0, 3, 1, 2)
    for make in (intersection, union):
        assert torch.equal(make(one_hot, one_hot).weight, torch.ones(1, 3, 3))
        assert torch.equal(make(one_hot, one_hot).label, one_hot.argmax(1))
        uniform = torch.full((1, 4, 3, 3), 0.25)
        assert torch.equal(make(uniform, uniform).weight, torch.full((1, 3, 3), 0.25))


def test_targets_carry_no_gradient():
    probs_a, probs_b = random_probs(7).requires_grad_(), random_probs(8).requires_grad_()
    for target in (intersection(probs_a, probs_b), union(probs_a, probs_b)):
        assert isinstance(target, PixelTarget)
        assert not target.weight.requires_grad
        assert target.label.dtype == torch.int64
