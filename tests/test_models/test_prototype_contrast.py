"""``PrototypeContrast``: prototypes that follow the teacher, anchors of the student."""

import io
import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.models import PrototypeContrast
from mmseg_ssl.structures import PixelTarget


def draw(images: int = 2, classes: int = 4, size: int = 5) -> tuple:
    """An embedding of 3 channels, and a target with ignored pixels and weights of which some are 0."""
    label, weight = torch.randint(0, classes, (images, size, size)), torch.rand(images, size, size)
    label[:, 0], weight[:, 1, :2] = 255, 0
    return torch.randn(images, 3, size, size), PixelTarget(label, weight)


def slow_means(embedding, target, classes):
    """Weighted means of the normalized embeddings, pixel by pixel; None where a class has no weight."""
    sums, mass = torch.zeros(classes, 3), torch.zeros(classes)
    for b, y, x in torch.ones_like(target.weight).nonzero().tolist():
        c, r, e = int(target.label[b, y, x]), target.weight[b, y, x], embedding[b, :, y, x]
        if c != 255:
            sums[c] += r * e / e.norm()
            mass[c] += r
    return [s / m if m > 0 else None for s, m in zip(sums, mass)]


def test_prototypes_follow_the_teacher():
    """The first batch with a class sets its prototype, later ones move it by 30 %; an absent class stays."""
    contrast = PrototypeContrast(num_classes=5, channels=3, momentum=0.3)
    expected = [None] * 5
    for classes in (2, 4, 3):
        embedding, target = draw(classes=classes)
        contrast.update(embedding, target)
        for c, mean in enumerate(slow_means(embedding, target, 5)):
            if mean is not None:
                moved = mean if expected[c] is None else 0.7 * expected[c] + 0.3 * mean
                expected[c] = moved / moved.norm()
    assert contrast.known.tolist() == [True] * 4 + [False]
    for c in range(4):
        torch.testing.assert_close(contrast.prototypes[c], expected[c])
    assert contrast.prototypes[4].abs().max() == 0


def test_loss_is_the_weighted_mean_over_the_anchors():
    """With a bound that no class reaches, all pixels with a label and a weight; those of weight 0 do not divide."""
    contrast = PrototypeContrast(4, 3, temperature=0.2)
    contrast.update(*draw())
    embedding, (label, weight) = draw()
    total, count = 0.0, 0
    for b, y, x in ((weight > 0) & (label != 255)).nonzero().tolist():
        logits = F.normalize(embedding[b, :, y, x], dim=0) @ contrast.prototypes.T / 0.2
        total += float(weight[b, y, x] * F.cross_entropy(logits, label[b, y, x]))
        count += 1
    loss = contrast(embedding, PixelTarget(label, weight))
    torch.testing.assert_close(loss, torch.tensor(total / count))


def test_equal_prototypes_give_the_logarithm_of_their_number():
    contrast = PrototypeContrast(5, 3)
    contrast.prototypes.copy_(torch.tensor([1.0, 0.0, 0.0]))
    contrast.known.copy_(torch.tensor([True, True, True, False, False]))
    embedding, (label, weight) = draw(classes=5)
    loss = contrast(embedding, PixelTarget(label, torch.ones_like(weight)))
    known = (label < 3).sum() / (label != 255).sum()  # the anchors without a prototype cost nothing
    torch.testing.assert_close(loss, known * math.log(3))


@pytest.mark.parametrize('bound', [1, 4])
def test_at_most_so_many_anchors_of_a_class(bound):
    """Counted by who gets a gradient; all classes alike, whatever their share of the pixels."""
    contrast = PrototypeContrast(3, 3, anchors_per_class=bound)
    label = torch.zeros(2, 5, 5, dtype=torch.long)
    label[0, 0], label[1, 0] = 1, 2
    target = PixelTarget(label, torch.ones(2, 5, 5))
    contrast.update(torch.randn(2, 3, 5, 5), target)
    embedding = torch.randn(2, 3, 5, 5, requires_grad=True)
    contrast(embedding, target).backward()
    taught = embedding.grad.abs().sum(dim=1) > 0
    assert [int((taught & (label == c)).sum()) for c in range(3)] == [bound] * 3


def test_targets_of_several_batches_hard_and_soft_at_any_size():
    """Labeled and unlabeled images are one embedding; the classes of the nearest pixels count."""
    embedding, (label, weight) = draw(images=3)
    large = label[1:].repeat_interleave(4, dim=1).repeat_interleave(4, dim=2).clamp(max=3)
    soft = 0.6 * F.one_hot(large, 4).movedim(-1, 1) + 0.1
    heavy = weight[1:].repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    one, other = PrototypeContrast(4, 3), PrototypeContrast(4, 3)
    joint = PixelTarget(torch.cat([label[:1], label[1:].clamp(max=3)]), weight)
    one.update(embedding, joint)
    other.update(embedding, PixelTarget(label[:1], weight[:1]), PixelTarget(soft, heavy))
    torch.testing.assert_close(one.prototypes, other.prototypes)
    torch.testing.assert_close(
        one(embedding, joint), other(embedding, PixelTarget(label[:1], weight[:1]), PixelTarget(soft, heavy))
    )


def test_repulsion_is_added_with_its_weight():
    """Embeddings of all classes along one direction, so that every pair is nearer than the margin."""
    embedding, target = draw()
    embedding = embedding + 3
    losses = []
    for repulsion in (0.0, 1.0, 2.0):
        contrast = PrototypeContrast(4, 3, repulsion=repulsion)
        contrast.update(embedding, target)
        losses.append(contrast(embedding, target))
    assert losses[1] > losses[0]
    torch.testing.assert_close(losses[2] - losses[1], losses[1] - losses[0])


def test_the_anchors_are_repelled():
    """One of two pixels of class 0 is an anchor: along its own prototype (costs 0), or along the other, a cosine of 1
    that exceeds the margin by 0.8. The mean of both would exceed it by sqrt(1 / 2) - 0.2.
    """
    losses = []
    for repulsion in (0.0, 1.0):
        contrast = PrototypeContrast(2, 2, repulsion=repulsion, anchors_per_class=1)
        contrast.prototypes.copy_(torch.eye(2))
        contrast.known.fill_(True)
        torch.manual_seed(1)
        target = PixelTarget(torch.zeros(1, 1, 2).long(), torch.ones(1, 1, 2))
        losses.append(contrast(torch.eye(2)[None, :, None], target))
    assert min(abs((losses[1] - losses[0]).item() - excess) for excess in (0, 0.8)) < 1e-5


@pytest.mark.parametrize('repulsion', [0.0, 1.0])
def test_a_batch_that_says_nothing(repulsion):
    """No label, or no weight: no prototype moves, the loss is 0 and so is its gradient."""
    contrast = PrototypeContrast(4, 3, repulsion=repulsion)
    embedding, target = draw()
    contrast.update(embedding, target)
    before = contrast.prototypes.clone()
    for silent in (PixelTarget(torch.full_like(target.label, 255), target.weight), target.reweight(0)):
        contrast.update(embedding, silent)
        assert torch.equal(contrast.prototypes, before)
        leaf = embedding.clone().requires_grad_()
        loss = contrast(leaf, silent)
        loss.backward()
        assert loss == 0
        assert torch.equal(leaf.grad, torch.zeros_like(leaf))


def test_prototypes_have_no_gradient_and_survive_a_checkpoint():
    contrast = MODELS.build(dict(type='PrototypeContrast', num_classes=4, channels=3))
    embedding, target = draw()
    contrast.update(embedding.requires_grad_(), target)
    assert not contrast.prototypes.requires_grad and not list(contrast.parameters())
    file = io.BytesIO()
    torch.save(contrast.state_dict(), file)
    file.seek(0)
    resumed = PrototypeContrast(4, 3)
    resumed.load_state_dict(load_weights_only(file))
    for module in (contrast, resumed):
        module.update(embedding.roll(1, dims=0), target)
    assert torch.equal(contrast.prototypes, resumed.prototypes)
    assert contrast.known.tolist() == resumed.known.tolist()


def test_errors():
    for wrong in (dict(temperature=0), dict(anchors_per_class=0), dict(repulsion=-1)):
        with pytest.raises(ValueError, match='PrototypeContrast needs temperature > 0'):
            PrototypeContrast(4, 3, **wrong)
    embedding, target = draw()
    with pytest.raises(ValueError, match=r'\(2, 8, h, w\) for targets of 2 images and channels=8, got \(2, 3, 5, 5\)'):
        PrototypeContrast(4, 8).update(embedding, target)
    with pytest.raises(ValueError, match='targets of 4 images'):
        PrototypeContrast(4, 3)(embedding, target, target)
