"""UniMatch V1 and V2: several views of one target."""

import copy

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope

from mmseg_ssl import targets
from mmseg_ssl.models.label_modes import labeling_mode
from mmseg_ssl.models.losses import pixel_cross_entropy
from mmseg_ssl.models.sample_pixels import valid_pixels
from mmseg_ssl.ops import masked_mean
from mmseg_ssl.targets import confident

every_version = pytest.mark.parametrize('method', ['UniMatchV1', 'UniMatchV2'])


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(method, **options):
    """Without dropout in the head; confident, so that thresholds tell pixels apart."""
    segmentor = tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0))
    model = tiny.build(method, segmentor, **options)
    model.student.segmentor.decode_head.conv_seg.weight.data.mul_(100)
    if method == 'UniMatchV2':
        model.teacher.start(model.student)
    return model


def prepared(model, width=20):
    data = tiny.batch()
    data['inputs']['weak'] = [image[:, :, :width] for image in data['inputs']['weak']]
    return model.data_preprocessor(data, True)


def said_of(model, weak):
    """Probabilities of the network that labels: the teacher, or the student in eval mode."""
    with labeling_mode(getattr(model, 'teacher', model.student)):
        return getattr(model, 'teacher', model.student)(weak).logits.softmax(dim=1)


def transcribed(model, data, perturb):
    """The terms from the figure: labels, two mixings, one merged call; weights of the paper are applied by the test."""
    inputs, samples = data['inputs'], data['data_samples']['weak']
    valid = valid_pixels(samples, inputs['weak'])
    probs = said_of(model, inputs['weak'])
    target = confident(probs, model.labels.threshold.value)
    masks = [model.cutmix.sample(samples, inputs['weak'], number).mask for number in (0, 1)]
    roll = [1, 2, 3, 0]
    images = [inputs['sup']]
    images += [
        torch.where(mask[:, None], inputs[view][roll], inputs[view])
        for view, mask in zip(('strong1', 'strong2'), masks)
    ]
    images += [inputs['weak']] if perturb is not None else []
    feats = model.student.segmentor.extract_feat(torch.cat(images))
    feats = perturb(feats) if perturb is not None else feats
    logits = model.student.segmentor.decode_head(feats)
    logits = torch.nn.functional.interpolate(logits, size=(32, 32), mode='bilinear')
    parts = logits.split([len(part) for part in images])
    terms = []
    for part, mask in zip(parts[1:], [*masks, torch.zeros_like(masks[0])]):
        label, weight, inside = (torch.where(mask, value[roll], value) for value in (*target, valid))
        loss = torch.nn.functional.cross_entropy(part, label, reduction='none') * weight
        terms.append(loss[inside].sum() / inside.sum())
    return terms


@pytest.mark.parametrize('threshold', [0.0, 0.6])
def test_v1_is_the_formula(threshold):
    """(L_x + L_s1 / 4 + L_s2 / 4 + L_fp / 2) / 2, the weak features dropped level by level."""
    model = build('UniMatchV1', threshold=threshold, cutmix=dict(prob=1.0))
    data, before = prepared(model), copy.deepcopy(model.state_dict())

    def halve(feats):
        return [torch.cat([x[:-4], torch.nn.functional.dropout2d(x[-4:], 0.5)]) for x in feats]

    torch.manual_seed(7)
    terms = transcribed(model, data, halve)
    model.load_state_dict(before)
    torch.manual_seed(7)
    losses = model(**data, mode='loss')
    for key, weight, term in zip(('strong1', 'strong2', 'feature'), (0.125, 0.125, 0.25), terms):
        torch.testing.assert_close(losses[f'unsup.{key}.loss_pseudo'], weight * term)
    assert len({round(term.item(), 4) for term in terms}) == 3  # other boxes, other views
    assert threshold == 0 or 0 < losses['unsup.kept'] < 1


@pytest.mark.parametrize('threshold', [0.0, 0.6])
def test_v2_is_the_formula(threshold):
    """(L_x + (L_s1 + L_s2) / 2) / 2 with the teacher's labels; no dropout here, its op has tests of its own."""
    model = build('UniMatchV2', threshold=threshold, feature_keep=1.0, cutmix=dict(prob=1.0))
    for parameter in model.student.parameters():  # the teacher differs
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    data = prepared(model)
    terms = transcribed(model, data, None)
    losses = model(**data, mode='loss')
    for key, term in zip(('strong1', 'strong2'), terms):
        torch.testing.assert_close(losses[f'unsup.{key}.loss_pseudo'], 0.25 * term)


@every_version
def test_network_calls(method):
    """One for the labels (4 images), one that trains: V1 2 + 4 + 4 + 4 images, V2 2 + 4 + 4."""
    model, seen = build(method), []
    for name in model.networks:
        model.branch(name).register_forward_hook(
            lambda module, args, _: seen.append((torch.is_grad_enabled(), module.training, len(args[0])))
        )
    tiny.loss_of(model, tiny.batch())
    assert seen == [(False, False, 4), (True, True, 14 if method == 'UniMatchV1' else 10)]


@every_version
def test_the_backbone_sees_each_image_once_with_a_gradient(method):
    model, seen = build(method), []
    model.student.segmentor.backbone.register_forward_hook(
        lambda _, args, __: seen.append(len(args[0])) if torch.is_grad_enabled() else None
    )
    tiny.loss_of(model, tiny.batch())
    assert seen == [14 if method == 'UniMatchV1' else 10]


def test_labels_carry_no_gradient():
    """V1's weak images are back-propagated into by the feature view alone; V2's not at all."""
    for method, trained in (('UniMatchV1', True), ('UniMatchV2', False)):
        model = build(method, threshold=0.0)
        data = prepared(model)
        data['inputs'] = {name: images.clone().requires_grad_() for name, images in data['inputs'].items()}
        losses = model(**data, mode='loss')
        (losses['unsup.strong1.loss_pseudo'] + losses['unsup.strong2.loss_pseudo']).backward(retain_graph=True)
        weak = data['inputs']['weak'].grad
        # in V1 through BatchNorm's statistics alone, which the views share
        assert (weak is None) == (not trained)
        assert data['inputs']['strong1'].grad.abs().max() > 0
        assert data['inputs']['strong2'].grad.abs().max() > 0


def test_the_features_of_the_other_views_are_whole():
    """The decoder gets the labeled and strong images' features as they are, the weak ones' with channels gone."""
    model = build('UniMatchV1')
    seen = []
    model.student.segmentor.decode_head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    tiny.loss_of(model, tiny.batch())
    for level in seen[-1]:
        assert level[:10].abs().amax(dim=(1, 2, 3)).min() > 0
        zero = (level == 0).flatten(2).all(dim=2).float()  # per image and channel
        gone = zero[10:].mean() - zero[:10].mean()
        assert 0.2 < gone < 0.8


def test_views_of_v2_complete_each_other():
    """The second view keeps a channel where the first view's is 0, and the other way round."""
    model = build('UniMatchV2', feature_keep=0.0)
    seen = []
    model.student.segmentor.decode_head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    plain = []
    model.student.segmentor.backbone.register_forward_hook(lambda *args: plain.append(args[-1]))
    tiny.loss_of(model, tiny.batch())
    for level, clean in zip(seen[-1], plain[-1]):
        torch.testing.assert_close(level[:2], clean[:2])
        alive = level.abs().amax(dim=(2, 3)) > 0
        possible = clean.abs().amax(dim=(2, 3)) > 0
        both = possible[2:6] & possible[6:]
        assert torch.equal((alive[2:6] ^ alive[6:])[both], torch.ones_like(both)[both])


def test_the_strong_views_have_boxes_of_their_own():
    """Other numbers for the same samples; those of view 0 are FixMatch's, and the same each time."""
    model = build('UniMatchV1', cutmix=dict(prob=1.0))
    data = prepared(model)
    samples, images = data['data_samples']['weak'], data['inputs']['weak']
    first, second = (model.cutmix.sample(samples, images, number).mask for number in (0, 1))
    assert not any(torch.equal(*pair) for pair in zip(first, second))
    assert torch.equal(first, model.cutmix.sample(samples, images).mask)
    share = first.float().mean(dim=(1, 2))
    assert 0.01 < share.min() and share.max() < 0.42


@every_version
def test_threshold_limits(method):
    assert tiny.loss_of(build(method, threshold=0.0), tiny.batch())['unsup.kept'] == 1
    losses = tiny.loss_of(tiny.build(method, threshold=1.0), tiny.batch())
    assert losses['unsup.kept'] == 0
    assert all(value == 0 for key, value in losses.items() if 'loss_pseudo' in key)


def test_view_weights():
    """Those that are given replace the defaults; an unknown view is named."""
    first, second = (build('UniMatchV1', threshold=0.0, view_weights=weights) for weights in ({}, dict(strong2=0.0)))
    second.load_state_dict(first.state_dict())
    one, two = (tiny.loss_of(model, tiny.batch()) for model in (first, second))
    assert torch.equal(one['unsup.strong1.loss_pseudo'], two['unsup.strong1.loss_pseudo'])
    assert one['unsup.strong2.loss_pseudo'] > 0 and two['unsup.strong2.loss_pseudo'] == 0
    with pytest.raises(ValueError, match=r"view of view_weights must be one of .*'strong2'.*got 'strong3'"):
        build('UniMatchV1', view_weights=dict(strong3=1))


@every_version
def test_an_adaptive_threshold(method):
    model = build(method, threshold=dict(type='AdaptiveThreshold', momentum=0.5))
    assert tiny.loss_of(model, tiny.batch())['unsup.threshold'] == model.labels.threshold.value != 0.85


@pytest.mark.skipif('fuzzy_topk' not in targets.__all__, reason='fuzzy_topk is not there')
def test_v2_with_fuzzy_labels():
    """FARCLUSS's soft labels in UniMatch V2's stream, by config: probabilities of the k classes, mixed as the views."""
    model = build('UniMatchV2', threshold=0.0, target=dict(type='fuzzy_topk', k=2), feature_keep=1.0)
    data = model.data_preprocessor(tiny.batch(), True)
    inputs = data['inputs']
    label = targets.fuzzy_topk(said_of(model, inputs['weak']), k=2)
    mix = model.cutmix.sample(data['data_samples']['weak'], inputs['weak'], 0)
    other = model.cutmix.sample(data['data_samples']['weak'], inputs['weak'], 1)
    images = torch.cat([inputs['sup'], mix(inputs['strong1']), other(inputs['strong2'])])
    losses = model(**data, mode='loss')
    logits = model.student(images).logits[2:6]
    expected = masked_mean(pixel_cross_entropy(logits, mix(label)), over=torch.ones(4, 32, 32))
    torch.testing.assert_close(losses['unsup.strong1.loss_pseudo'], 0.25 * expected)


def test_v2_has_no_teacher_mode():
    with pytest.raises(TypeError, match='teacher_mode'):
        build('UniMatchV2', teacher_mode='train')


def test_the_teacher_averages_buffers():
    assert build('UniMatchV2').teacher.buffer_mode == 'average'
