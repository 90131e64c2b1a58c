"""mmseg's binary recipe, two classes in one channel, in every method: it trains what two channels train."""

import copy

import pytest
import tiny
import torch
from test_methods import every_form, every_method, finite_gradients, total


def build(method, channels=1, segmentor=None, **options):
    """A method with a one-channel decode head and auxiliary head (or with two channels) that has something to say."""
    model = tiny.build(method, segmentor or tiny.binary_segmentor(channels), **options)
    for key, value in model.state_dict().items():
        if 'conv_seg.weight' in key:
            value.normal_().sub_(value.mean()).mul_(4)  # both classes somewhere, sure in places
    return model


def in_two_channels(one, method, shift=0.0, **options):
    """The same network with classifiers ``(shift - 1/2, shift + 1/2) * w``."""
    two = build(method, channels=2, **options)
    state, channels = one.state_dict(), torch.tensor([shift - 0.5, shift + 0.5])
    for key, value in two.state_dict().items():
        if state[key].shape != value.shape:
            state[key] = state[key] * channels.view(-1, *(1,) * (value.dim() - 1))
    two.load_state_dict(state)
    return two


def assert_trains_alike(one, two, shift=0.0):
    """Every term and every gradient; what an optimizer would do to the one channel is what it does to the two."""
    data = tiny.binary_batch()
    losses, expected = tiny.loss_of(one, data), tiny.loss_of(two, data)
    assert losses.keys() == expected.keys()
    for key in losses:
        torch.testing.assert_close(
            losses[key], expected[key], rtol=1e-5, atol=1e-6, msg=lambda m, key=key: f'{key} {m}'
        )
    total(losses).backward()
    total(expected).backward()
    wanted = dict(two.named_parameters())
    scale = 1 + max(parameter.grad.abs().max().item() for parameter in wanted.values() if parameter.grad is not None)
    for key, parameter in one.named_parameters():
        grad = wanted[key].grad
        assert (parameter.grad is None) == ('teacher' in key) == (grad is None), key
        if grad is None:
            continue
        if grad.shape != parameter.shape:
            grad = ((shift + 0.5) * grad[1] + (shift - 0.5) * grad[0])[None]
        # absolute, too: a bias in front of BatchNorm has a gradient of rounding alone
        torch.testing.assert_close(
            parameter.grad, grad, rtol=1e-3, atol=1e-6 * scale, msg=lambda m, key=key: f'{key} {m}'
        )
    return losses


@every_form
def test_one_channel_trains_as_two_do(method, options):
    """A classifier ``w`` as two classifiers ``(-w/2, w/2)``: softmax cross entropy is then the host's sigmoid one."""
    one = build(method, **options)
    losses = assert_trains_alike(one, in_two_channels(one, method, **options))
    for key, value in losses.items():
        if 'loss' in key and 'hinge' not in str(options):
            assert value != 0, key


@every_method
def test_as_two_channels_of_which_one_is_zero(method):
    """``(0, w)`` has the same probabilities; only what reads logits as energies tells them apart."""
    options = dict(energy=None) if method == 'DUEB' else {}
    one = build(method, **options)
    assert_trains_alike(one, in_two_channels(one, method, shift=0.5, **options), shift=0.5)


@pytest.mark.parametrize(
    ('method', 'kept'),
    [('FixMatch', 'kept'), ('UniMatchV1', 'kept'), ('UniMatchV2', 'kept'), ('CutMixSeg', 'confident')],
)
def test_confidence_is_that_of_the_likelier_class(method, kept):
    """Softmax over one channel is 1: every pixel would be kept, and nothing taught."""
    losses = tiny.loss_of(build(method, threshold=0.7), tiny.binary_batch())
    assert 0 < losses[f'unsup.{kept}'] < 1
    assert all(value > 0 for key, value in losses.items() if 'loss' in key)


@every_method
def test_prediction_is_the_hosts(method):
    """Of every network, bit for bit: probability of class 1, its threshold, and at 0.5 the argmax of two classes."""
    segmentor = tiny.binary_segmentor()
    segmentor.decode_head.threshold = 0.3
    model = build(method, segmentor=segmentor).eval()
    for parameter in [part for name in model.networks for part in model.branch(name).segmentor.backbone.parameters()]:
        torch.nn.init.normal_(parameter)
    model.predict_on = model.networks
    images, samples = torch.randn(2, 3, 32, 32), [tiny.sample(i, ori_shape=(20, 44)) for i in range(2)]
    results = model.predict(images, samples)
    for name in model.networks:
        branch = model.branch(name)
        bare = branch.segmentor.predict(images, copy.deepcopy(samples))
        for index, result in enumerate(results):
            field = result.get(f'pred_sem_seg_{name}', result.pred_sem_seg).data
            assert torch.equal(field, bare[index].pred_sem_seg.data)
            assert 0 < field.mean() < 1
            if name == model.networks[0]:
                assert torch.equal(result.seg_logits.data, bare[index].seg_logits.data)
        branch.segmentor.decode_head.threshold = 0.5
        for logits, sample in zip(branch(images).logits, branch.segmentor.predict(images)):
            assert torch.equal(sample.pred_sem_seg.data[0].long(), logits.argmax(dim=0))


@every_method
def test_images_without_a_label(method):
    """The host asserts the largest label of none; a crop of scribbles or of padding may have none."""
    data = tiny.binary_batch()
    for sample in data['data_samples']['sup']:
        sample.gt_sem_seg.data.fill_(255)
    model = build(method)
    losses = tiny.loss_of(model, data)
    finite_gradients(model, losses)
    for key, value in losses.items():
        assert value == 0 or not key.endswith('sup.loss_ce') and not key.endswith('aux.loss_ce'), key
