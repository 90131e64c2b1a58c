"""FixMatch: confident labels of the weak view train the strong one."""

import copy

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from mmseg_ssl import targets
from mmseg_ssl.models.confident_labels import target_function
from mmseg_ssl.models.label_modes import labeling_mode
from mmseg_ssl.models.sample_pixels import valid_pixels

BOXES = dict(num_boxes=1, area=(0.02, 0.4), aspect=(0.3, 1 / 0.3))


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(**options):
    """Without dropout, so that a call may be repeated; and confident, so that thresholds tell pixels apart."""
    segmentor = tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0))
    model = tiny.build('FixMatch', segmentor, **options)
    model.student.segmentor.decode_head.conv_seg.weight.data.mul_(100)
    return model


def prepared(model, width=20):
    """A batch whose unlabeled crops have padding on the right."""
    data = tiny.batch()
    data['inputs']['weak'] = [image[:, :, :width] for image in data['inputs']['weak']]
    return model.data_preprocessor(data, True)


def slow_loss(model, data, threshold):
    """The formula pixel by pixel; its labels are made before the step moves BatchNorm's statistics."""
    inputs, samples = data['inputs'], data['data_samples']['weak']
    with labeling_mode(model.student):
        probs = model.student(inputs['weak']).logits.softmax(dim=1)
    mask = model.cutmix.sample(samples, inputs['weak']).mask
    valid, count, total = valid_pixels(samples, inputs['weak']), 0, 0.0
    images = inputs['strong'].clone()
    partner = {i: (i + 1) % len(images) for i in range(len(images))}
    for i, j in partner.items():
        images[i][:, mask[i]] = inputs['strong'][j][:, mask[i]]
    nll = -model.student(torch.cat([inputs['sup'], images])).logits.log_softmax(dim=1)[2:]
    for i, y, x in torch.cartesian_prod(*(torch.arange(size) for size in mask.shape)).tolist():
        source = partner[i] if mask[i, y, x] else i
        if valid[source, y, x]:
            count += 1
            confidence, label = probs[source, :, y, x].max(dim=0)
            total += nll[i, label, y, x].item() if confidence >= threshold else 0.0
    return total / count


@pytest.mark.parametrize('threshold', [0.0, 0.6])
def test_the_formula(threshold):
    """Half the mean over image pixels; labels, weights and padding are mixed as the images are."""
    model = build(threshold=threshold, cutmix=dict(prob=1.0))
    data = prepared(model)
    before = copy.deepcopy(model.state_dict())
    expected = slow_loss(model, data, threshold)
    model.load_state_dict(before)
    losses = model(**data, mode='loss')
    assert losses['unsup.loss_pseudo'].item() == pytest.approx(0.5 * expected, rel=1e-4)
    assert 0 < losses['unsup.kept'] <= 1
    assert threshold == 0 or losses['unsup.kept'] < 1


def test_threshold_limits():
    """0 keeps every image pixel; 1 keeps those that are certain, here none: a loss of 0, with a zero gradient."""
    model = build(threshold=0.0)
    assert model(**prepared(model), mode='loss')['unsup.kept'] == 1
    model = tiny.build('FixMatch', threshold=1.0)
    losses = tiny.loss_of(model, tiny.batch())
    assert losses['unsup.kept'] == losses['unsup.loss_pseudo'] == 0
    losses['unsup.loss_pseudo'].backward()
    assert all(parameter.grad is None or parameter.grad.abs().max() == 0 for parameter in model.student.parameters())


def test_the_labeled_images_count_half():
    """(L_x + L_s) / 2; the accuracy beside it is no loss and is left alone."""
    half, whole = (tiny.loss_of(seeded(sup_weight=weight), tiny.batch()) for weight in (0.5, 1.0))
    torch.testing.assert_close(2 * half['sup.loss_ce'], whole['sup.loss_ce'])
    assert torch.equal(half['sup.acc_seg'], whole['sup.acc_seg'])


def seeded(**options):
    torch.manual_seed(1)
    return tiny.build('FixMatch', **options)


def test_network_calls():
    """One on weak images, without a gradient and in eval mode; one on labeled and strong images, with one."""
    model, seen = build(), []
    model.student.register_forward_hook(
        lambda module, args, _: seen.append((torch.is_grad_enabled(), module.training, len(args[0])))
    )
    tiny.loss_of(model, tiny.batch())
    assert seen == [(False, False, 4), (True, True, 6)]
    assert model.student.training


def test_labels_carry_no_gradient_and_come_from_the_weak_view():
    """Other weak pixels change the labels; the strong view alone decides what is back-propagated into."""
    model = build(threshold=0.0)
    data = prepared(model)
    data['inputs'] = {name: images.clone().requires_grad_() for name, images in data['inputs'].items()}
    model(**data, mode='loss')['unsup.loss_pseudo'].backward()
    assert data['inputs']['weak'].grad is None
    assert data['inputs']['strong'].grad.abs().max() > 0


def test_the_adaptive_threshold_is_logged_and_moves():
    model = build(threshold=dict(type='AdaptiveThreshold', momentum=0.5))
    assert 'labels.threshold.value' in model.state_dict()
    logged = tiny.loss_of(model, tiny.batch())['unsup.threshold']
    assert logged == model.labels.threshold.value != 0.85
    assert tiny.loss_of(model, tiny.batch())['unsup.threshold'] != logged
    assert 'unsup.threshold' not in tiny.loss_of(build(), tiny.batch())


def test_another_target_by_config():
    """Weights multiply: the target's own, the threshold's and the padding's."""
    model = build(threshold=0.0, target=dict(type='confident', threshold=0.6))
    data = prepared(model)
    with labeling_mode(model.student):
        probs = model.student(data['inputs']['weak']).logits.softmax(dim=1)
    valid = valid_pixels(data['data_samples']['weak'], data['inputs']['weak'])
    target = model.labels(probs, valid)
    assert torch.equal(target.weight, targets.confident(probs, 0.6).weight * valid)
    with pytest.raises(ValueError, match="target.type.* must be one of .*'union'.*got 'argmax'"):
        build(target=dict(type='argmax'))
    with pytest.raises(ValueError, match="must be one of .*got 'vote'"):  # no target: failed in the first step
        build(target=dict(type='vote'))
    with pytest.raises(ValueError, match='located.*cannot be called with the probabilities and'):
        build(target=dict(type='located'))


@pytest.mark.skipif('fuzzy_topk' not in targets.__all__, reason='fuzzy_topk is not there')
def test_fuzzy_labels_by_config():
    """Soft labels are mixed and taught; k = 1 is the argmax."""
    soft, hard = (
        tiny.loss_of(seeded(threshold=0.0, target=dict(type='fuzzy_topk', k=k)), tiny.batch()) for k in (3, 1)
    )
    plain = tiny.loss_of(seeded(threshold=0.0), tiny.batch())
    torch.testing.assert_close(hard['unsup.loss_pseudo'], plain['unsup.loss_pseudo'])
    assert soft['unsup.loss_pseudo'] != plain['unsup.loss_pseudo']


def test_soft_labels():
    """Probabilities as labels: the cross entropy with them, over everything."""
    model = build(threshold=0.0, cutmix=dict(prob=0.0))
    model.labels.target = lambda probs: targets.confident(probs, 0)._replace(label=probs)
    data = model.data_preprocessor(tiny.batch(), True)
    with labeling_mode(model.student):
        probs = model.student(data['inputs']['weak']).logits.softmax(dim=1)
    loss = model(**data, mode='loss')['unsup.loss_pseudo']
    logits = model.student(torch.cat([data['inputs']['sup'], data['inputs']['strong']])).logits[2:]
    torch.testing.assert_close(loss, 0.5 * F.cross_entropy(logits, probs))


def test_target_function_is_partial():
    probs = torch.rand(1, 3, 2, 2).softmax(dim=1)
    assert torch.equal(
        target_function(dict(type='confident', threshold=0.4))(probs).weight, targets.confident(probs, 0.4).weight
    )
