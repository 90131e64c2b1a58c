"""``FARCLUSS``: the whole loss against loops, its limits, and what is mixed, ramped and kept."""

import math

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmseg_ssl.models.prototype_contrast import PrototypeContrast
from mmseg_ssl.structures import PixelTarget


def watched(model) -> dict:
    """Losses of a step, what both networks said in it, the boxes, and what the contrast was given."""
    seen = {}
    for name in ('student', 'teacher'):
        getattr(model, name).register_forward_hook(lambda _, inputs, pred, name=name: seen.update({name: pred}))
    sample = model.cutmix.sample
    model.cutmix.sample = lambda *args: seen.setdefault('mix', sample(*args))
    model.contrast.register_forward_pre_hook(lambda _, args: seen.update(contrast=args))
    seen['losses'] = tiny.loss_of(model, tiny.batch())
    return seen


def teacher_pixels(logits, k):
    """(1) and (2) of each pixel, in loops: label (B, C, H, W) and reliability (B, H, W)."""
    label, reliability = torch.zeros_like(logits), torch.zeros_like(logits[:, 0])
    for b, y, x in torch.ones_like(reliability).nonzero().tolist():
        q = logits[b, :, y, x].double().softmax(0)
        kept = sorted(range(len(q)), key=lambda c: -q[c])[:k]
        label[b, kept, y, x] = (q[kept] / q[kept].sum()).float()
        reliability[b, y, x] = 1 + float((q * q.log()).sum()) / math.log(len(q))
    return label, reliability


@pytest.mark.parametrize(('k', 'weights'), [(1, 'pixel'), (2, 'pixel'), (3, 'pixel'), (1, 'class'), (3, 'class')])
def test_the_loss_equals_the_loops(k, weights):
    """Labels, weights, class frequencies of one batch, boxes and mean, each from its definition."""
    rebalancing = dict(momentum=1.0, weights=weights)
    model = tiny.build('FARCLUSS', label=dict(k=k), cutmix=dict(prob=1.0), rebalancing=rebalancing, unsup_weight=0.7)
    with torch.no_grad():
        model.teacher.network.segmentor.decode_head.conv_seg.weight.mul_(300)  # or all its classes were as likely
    seen = watched(model)
    label, reliability = teacher_pixels(seen['teacher'].logits[2:], k)

    frequency = label.sum(dim=(0, 2, 3)) / label.sum()
    rarity = torch.tensor([min(max((0.25 / max(float(f), 1e-4)) ** 0.5, 0.5), 5.0) for f in frequency])
    rarity = rarity / rarity[frequency > 0].mean()
    weighted = torch.einsum('bchw,c->bchw', label, rarity)
    if weights == 'pixel':
        weighted = torch.einsum('bchw,bdhw->bchw', label, weighted)
    torch.testing.assert_close(model.rebalancing.frequency, frequency)
    assert rarity.max() > 1.1 * rarity.min()

    boxes, total = seen['mix'].mask, 0.0
    assert 0 < boxes.sum() < boxes.numel()
    log_probs = seen['student'].logits[2:].log_softmax(dim=1)
    for b, y, x in torch.ones_like(boxes).nonzero().tolist():
        source = (b + 1) % len(boxes) if boxes[b, y, x] else b
        total -= reliability[source, y, x] * (weighted[source, :, y, x] * log_probs[b, :, y, x]).sum()
    expected = 0.7 * total / boxes.numel()
    torch.testing.assert_close(seen['losses']['unsup.loss_fuzzy'], expected, rtol=1e-4, atol=1e-6)


def test_the_plain_form_is_cross_entropy_with_the_teachers_classes():
    """k = 1, no weights, no boxes: what a mean teacher with hard labels is taught; so is the mode 'hard'."""
    plain = dict(reliability=dict(form='none'), rebalancing=dict(exponent=0.0), cutmix=dict(prob=0.0))
    for label in (dict(k=1), dict(mode='hard')):
        seen = watched(tiny.build('FARCLUSS', label=label, **plain))
        expected = F.cross_entropy(seen['student'].logits[2:], seen['teacher'].logits[2:].argmax(dim=1))
        torch.testing.assert_close(seen['losses']['unsup.loss_fuzzy'], expected)


def test_the_full_form_is_cross_entropy_with_the_teachers_probabilities():
    """So is a module of someone else that hands them on, by config."""

    @MODELS.register_module(force=True)
    class Unchanged(torch.nn.Module):
        def forward(self, probs):
            return probs

    plain = dict(reliability=dict(form='none'), rebalancing=dict(exponent=0.0), cutmix=dict(prob=0.0))
    for label in (dict(mode='full'), dict(type='Unchanged')):
        seen = watched(tiny.build('FARCLUSS', label=label, **plain))
        expected = F.cross_entropy(seen['student'].logits[2:], seen['teacher'].logits[2:].softmax(dim=1))
        torch.testing.assert_close(seen['losses']['unsup.loss_fuzzy'], expected)


def test_a_uniform_teacher_teaches_nothing_and_a_sure_one_everything():
    model = tiny.build('FARCLUSS')
    head = model.teacher.network.segmentor.decode_head.conv_seg
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        unsure = tiny.loss_of(model, tiny.batch())
        head.bias[2] = 200.0
        sure = tiny.loss_of(model, tiny.batch())
    assert unsure['unsup.loss_fuzzy'] == pytest.approx(0, abs=1e-5)
    assert unsure['unsup.reliability'] == pytest.approx(0, abs=1e-5)
    assert sure['unsup.reliability'] == 1


def test_the_contrast_sees_truth_and_mixed_labels():
    """Labeled pixels weigh 1, unlabeled ones their reliability, from where the boxes took them."""
    model = tiny.build('FARCLUSS', cutmix=dict(prob=1.0))
    seen = watched(model)
    embedding, known, mixed = seen['contrast']
    label, reliability = teacher_pixels(seen['teacher'].logits[2:], 3)
    mask = seen['mix'].mask
    truth = torch.stack(
        [s.gt_sem_seg.data[0] for s in model.data_preprocessor(tiny.batch(), True)['data_samples']['sup']]
    )
    assert torch.equal(embedding, seen['student'].side['projection'])
    assert torch.equal(known.label, truth) and (known.weight == 1).all()
    classes = label.argmax(dim=1)
    assert torch.equal(mixed.label, classes.roll(-1, 0).where(mask, classes))
    torch.testing.assert_close(mixed.weight, reliability.roll(-1, 0).where(mask, reliability))


@pytest.mark.parametrize('weights', ['pixel', 'class'])
def test_prototypes_are_the_teachers_of_both_batches(weights):
    """A pixel is of the class that the teacher says, whatever rebalancing lets the cross entropy weigh."""
    model = tiny.build('FARCLUSS', rebalancing=dict(weights=weights, exponent=3.0, low=0, high=1e4))
    seen = watched(model)
    label, reliability = teacher_pixels(seen['teacher'].logits[2:], 3)
    truth = model.data_preprocessor(tiny.batch(), True)['data_samples']['sup']
    truth = torch.stack([sample.gt_sem_seg.data[0] for sample in truth])
    expected = PrototypeContrast(tiny.NUM_CLASSES, 6)
    expected.update(
        seen['teacher'].side['projection'],
        PixelTarget(truth, torch.ones_like(truth).float()),
        PixelTarget(label, reliability),
    )
    torch.testing.assert_close(model.contrast.prototypes, expected.prototypes)


@pytest.mark.parametrize(('scale', 'on'), [(0.0, False), (0.4, False), (1.0, True)])
def test_the_contrast_begins_where_the_ramp_ends(scale, on):
    """Until then 0 with a gradient of 0, not without one: DDP sees its head used. The prototypes are learned."""
    model = tiny.build('FARCLUSS')
    model.unsup_scale.fill_(scale)
    losses = tiny.loss_of(model, tiny.batch())
    losses['unsup.loss_contrast'].backward()
    gradients = [p.grad.abs().max() > 0 for p in model.student.side_heads['projection'].parameters() if p.dim() > 1]
    assert gradients == [on, on]
    assert (losses['unsup.loss_contrast'] > 0) == on
    assert model.contrast.known.any()
    assert (losses['unsup.loss_fuzzy'] > 0) == (scale > 0)


def test_statistics_are_in_the_checkpoint():
    names = set(tiny.build('FARCLUSS').state_dict())
    assert {'rebalancing.frequency', 'rebalancing.updates', 'contrast.prototypes', 'contrast.known'} <= names


def test_it_learns_what_its_teacher_knows():
    """Trained on unlabeled images alone, the student comes to agree with a teacher that is sure."""
    model = tiny.build('FARCLUSS')
    with torch.no_grad():
        model.teacher.network.segmentor.decode_head.conv_seg.weight.mul_(300)
    optimizer = torch.optim.SGD(model.student.parameters(), lr=0.1, momentum=0.9)
    values = []
    for _ in range(15):
        loss = tiny.loss_of(model, tiny.batch())['unsup.loss_fuzzy']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.8 * values[0]


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(label=dict(mode='soft')), "'hard', 'topk', 'cumulative', 'full'.*'soft'"),
        (dict(label=dict(k=0)), 'at least 1 class, got k=0'),
        (dict(label=dict(mass=0)), 'mass=0'),
        (dict(reliability=dict(exponent=-1)), 'exponent'),
        (dict(reliability=dict(form='hard')), "'linear', 'exponential', 'none'.*'hard'"),
        (dict(rebalancing=dict(weights='label')), "'pixel', 'class'.*'label'"),
        (dict(contrast=dict(temperature=0)), 'temperature > 0'),
    ],
)
def test_wrong_options_are_errors_at_once(wrong, message):
    with pytest.raises(Exception, match=message):
        tiny.build('FARCLUSS', **wrong)


def test_the_projection_may_have_any_normalization():
    heads = [
        MODELS.build(dict(type='ProjectionHead', in_channels=8, norm_cfg=norm)) for norm in (None, dict(type='BN'))
    ]
    assert [len(head.layers) for head in heads] == [3, 4]
    assert isinstance(heads[1].layers[1], torch.nn.BatchNorm2d)
