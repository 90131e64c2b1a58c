"""CutMix-Seg: the student on mixed images against the teacher's mixed probabilities."""

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope

from mmseg_ssl.models.sample_pixels import valid_pixels


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(**options):
    """Without dropout; confident, and a teacher that differs from the student."""
    model = tiny.build('CutMixSeg', tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0)), **options)
    model.student.segmentor.decode_head.conv_seg.weight.data.mul_(100)
    model.teacher.start(model.student)
    for parameter in model.student.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return model


def prepared(model, width=20):
    data = tiny.batch()
    data['inputs']['weak'] = [image[:, :, :width] for image in data['inputs']['weak']]
    return model.data_preprocessor(data, True)


def test_the_formula():
    """Pixel by pixel: teacher probabilities of u0, u1 pasted as the student's images are; squared differences summed
    over classes; times the share of confident pixels; mean over the image.
    """
    model = build(threshold=0.6)
    data = prepared(model)
    inputs, samples = data['inputs'], data['data_samples']['weak']
    losses = model(**data, mode='loss')
    mask = model.cutmix.sample(samples[:2], inputs['weak'][:2]).mask
    probs, valid = model.teacher(inputs['weak']).logits.softmax(dim=1), valid_pixels(samples, inputs['weak'])
    images, sure, terms = inputs['strong'][:2].clone(), [], []
    for i in range(2):
        images[i][:, mask[i]] = inputs['strong'][2 + i][:, mask[i]]
    says = model.student(torch.cat([inputs['sup'], images])).logits[2:].softmax(dim=1)
    for i, y, x in torch.cartesian_prod(*(torch.arange(size) for size in mask.shape)).tolist():
        source = 2 + i if mask[i, y, x] else i
        if valid[source, y, x]:
            terms.append((says[i, :, y, x] - probs[source, :, y, x]).square().sum())
            sure.append(float(probs[source, :, y, x].max() >= 0.6))
    terms, sure = torch.stack(terms), torch.tensor(sure)
    expected = terms.mean() * sure.mean()
    torch.testing.assert_close(losses['unsup.loss_consistency'], expected)
    torch.testing.assert_close(losses['unsup.confident'], sure.mean())
    assert 0 < sure.mean() < 1


def test_one_box_of_half_the_area():
    model = build()
    data = model.data_preprocessor(tiny.batch(labeled=8), True)
    mask = model.cutmix.sample(data['data_samples']['weak'][:8], data['inputs']['weak'][:8]).mask
    share = mask.float().mean(dim=(1, 2))
    torch.testing.assert_close(share, torch.full_like(share, 0.5), atol=0.05, rtol=0)


def test_limits():
    """Student and teacher agree: 0. Nobody is certain: 0. A threshold of 0: the plain mean."""
    model = build(threshold=0.0)
    data = prepared(model)
    plain = model(**data, mode='loss')
    assert plain['unsup.confident'] == 1 and plain['unsup.loss_consistency'] > 0
    model = tiny.build('CutMixSeg', threshold=1.0)
    assert tiny.loss_of(model, tiny.batch())['unsup.loss_consistency'] == 0
    model = build(threshold=0.0)
    model.eval()
    model.student.load_state_dict(model.teacher.network.state_dict())
    data = model.data_preprocessor(tiny.batch(), True)
    data['inputs']['strong'] = data['inputs']['weak']
    model.cutmix.prob = 0.0
    assert model(**data, mode='loss')['unsup.loss_consistency'] < 1e-10


def test_network_calls_and_no_gradient_into_the_target():
    model, seen = build(threshold=0.0), []
    for name in model.networks:
        model.branch(name).register_forward_hook(
            lambda _, args, __, name=name: seen.append((name, torch.is_grad_enabled(), len(args[0])))
        )
    data = prepared(model)
    data['inputs']['weak'].requires_grad_()
    model(**data, mode='loss')['unsup.loss_consistency'].backward()
    assert seen == [('teacher', False, 4), ('student', True, 4)]
    assert data['inputs']['weak'].grad is None


def test_wrong_options():
    with pytest.raises(ValueError, match='unlabeled_per_labeled=2'):
        tiny.loss_of(build(), tiny.batch(labeled=1, ratio=1))
