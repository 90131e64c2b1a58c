"""``ErrorLocalizer``, its baselines, and ``ProjectionHead``."""

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmseg_ssl.models import ErrorLocalizer, ProjectionHead
from mmseg_ssl.models.judge import judge_labeled
from mmseg_ssl.structures import PixelTarget

TINY = dict(num_classes=4, backbone=dict(type='TinyBackbone'), decode_head=tiny.fcn_head(dropout_ratio=0.0))


def build(kind: str = 'ErrorLocalizer', **options):
    judge = MODELS.build(dict(type=kind, **dict(TINY, **options)))
    judge.init_weights()
    return judge


def test_the_default_is_resnet_34():
    """Image, 21 probabilities and entropy in; one logit per pixel out, at the size of the image."""
    judge = MODELS.build(dict(type='ErrorLocalizer', num_classes=21)).eval()
    assert judge.backbone.depth == 34
    assert judge.backbone.conv1.weight.shape == (64, 25, 7, 7)
    with torch.no_grad():
        assert judge(torch.randn(1, 3, 33, 40), torch.randn(1, 21, 33, 40)).shape == (1, 1, 33, 40)


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        (dict(type='MobileNetV2', conv_cfg=dict(type='Conv2dAdaptivePadding'), out_indices=(6,)), 320),
        (dict(type='ResNetV1c', depth=18, out_indices=(3,)), 512),
        (dict(type='MixVisionTransformer', embed_dims=8, num_heads=[1, 1, 1, 1], num_layers=[1, 1, 1, 1]), 8),
    ],
    ids=['MobileNetV2', 'deep stem', 'transformer'],
)
def test_any_backbone(backbone, channels):
    """Whatever its first convolution is called."""
    head = tiny.fcn_head(in_channels=channels, in_index=-1)
    judge = build(backbone=backbone, decode_head=head).eval()
    images, logits = torch.randn(1, 3, 48, 48), torch.randn(1, 4, 48, 48)
    with torch.no_grad():
        before = judge(images, logits)
        assert before.shape == (1, 1, 48, 48)
        assert not torch.equal(before, judge(images, 3 * logits))  # it sees the prediction
        assert not torch.equal(before, judge(images + 1, logits))  # and the image


def test_a_backbone_without_an_image():
    with pytest.raises(ValueError, match='takes an image'):
        build(backbone=dict(type='ResNet', depth=18, in_channels=5))


def test_pretrained_weights_reach_all_but_the_first_convolution(tmp_path):
    """Its shape is another: it keeps the fresh weights."""
    plain = MODELS.build(dict(type='TinyBackbone'))
    judge = build()
    judge.load_state_dict(
        {f'backbone.{key}': value for key, value in plain.state_dict().items() if 'first.0' not in key}, strict=False
    )
    assert torch.equal(judge.backbone.second[0].weight, plain.second[0].weight)

    source = MODELS.build(dict(type='ResNet', depth=18))
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'r18.pth')
    loaded = dict(type='Pretrained', checkpoint=str(tmp_path / 'r18.pth'))
    judge = build(
        backbone=dict(type='ResNet', depth=18, init_cfg=loaded), decode_head=tiny.fcn_head(in_channels=512, in_index=3)
    )
    assert torch.equal(judge.backbone.layer1[0].conv1.weight, source.layer1[0].conv1.weight)
    assert judge.backbone.conv1.weight.shape[1] == 8
    assert judge.backbone.conv1.weight.isfinite().all()


@pytest.mark.parametrize('stem', ['fresh', 'inflated'])
def test_what_pretrained_weights_do_to_the_first_convolution(stem, tmp_path):
    """Inflated: the localizer begins as the pretrained network on the image, whatever the prediction is."""
    source = MODELS.build(dict(type='ResNet', depth=18))
    source.eval()
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'r18.pth')
    loaded = dict(type='Pretrained', checkpoint=str(tmp_path / 'r18.pth'))
    backbone = dict(type='ResNet', depth=18, init_cfg=loaded)
    judge = build(stem=stem, backbone=backbone, decode_head=tiny.fcn_head(in_channels=512, in_index=3)).eval()
    images, logits = torch.randn(1, 3, 32, 32), torch.randn(1, 4, 32, 32)
    seen = torch.cat([images, logits.softmax(dim=1), torch.zeros(1, 1, 32, 32)], dim=1)
    same = torch.allclose(judge.backbone(seen)[-1], source(images)[-1], atol=1e-5)
    assert same == (stem == 'inflated')
    again = build(
        stem=stem, backbone=dict(backbone, init_cfg=None), decode_head=tiny.fcn_head(in_channels=512, in_index=3)
    )
    again.load_state_dict(judge.state_dict())  # one's own checkpoint is not inflated again
    assert torch.equal(again.backbone.conv1.weight, judge.backbone.conv1.weight)


@pytest.mark.parametrize('inputs', ['probs', 'logits'])
def test_what_it_sees(inputs):
    """Probabilities do not change when a constant is added to the logits; logits do. No gradient to the prediction."""
    judge = build(inputs=inputs).eval()
    images, logits = torch.randn(2, 3, 16, 16), torch.randn(2, 4, 16, 16, requires_grad=True)
    output = judge(images, logits)
    same = torch.allclose(output, judge(images, logits + 2), atol=1e-6)
    assert same == (inputs == 'probs')
    output.sum().backward()
    assert logits.grad is None


def test_a_batch_is_balanced_within_each_prediction(monkeypatch):
    """Of a decoder with 2 wrong pixels of 16, one of them weighs 14 / 2; of one with 8, one weighs 1: the second's
    errors do not take the first's weight. With z = 0 a right pixel's gradient is -1/2, a wrong one's r / 2, over 32.
    """
    model = build(balance='batch')
    label = torch.zeros(1, 4, 4, dtype=torch.long)
    predicted = [torch.zeros(1, tiny.NUM_CLASSES, 4, 4) for _ in range(2)]
    for logits, wrong in zip(predicted, (2, 8)):
        logits[:, 0] = 1.0
        logits[0, 1].view(-1)[:wrong] = 2.0
    output = torch.zeros(2, 1, 4, 4, requires_grad=True)
    monkeypatch.setattr(model, 'forward', lambda images, logits: output)
    losses = judge_labeled(model, torch.zeros(1, 3, 4, 4), predicted, [tiny.sample(0, label, img_shape=(4, 4))])
    losses['localizer.loss_detection'].backward()
    for gradient, wrong, ratio in zip(output.grad.view(2, 16) * 32, (2, 8), (7.0, 1.0)):
        torch.testing.assert_close(gradient, torch.tensor([ratio / 2] * wrong + [-0.5] * (16 - wrong)))
    assert losses['localizer.wrong'] == 10 / 32


@pytest.mark.parametrize('kind', ['ErrorLocalizer', 'ErrorCorrector'])
def test_a_prior_is_where_it_begins(kind):
    """With an answer of 0 the localizer is the confidence, 0.7 being 0.7; the corrector corrects nothing. A scale of 0
    is the localizer without a prior, and the scale learns.
    """
    judge = build(kind, prior='confidence').eval()
    images = torch.randn(1, 3, 16, 16)
    logits = torch.tensor([0.7, 0.1, 0.1, 0.1]).log()[None, :, None, None].expand(1, 4, 16, 16)
    with torch.no_grad():
        without = build(kind).eval()
        without.load_state_dict(judge.state_dict(), strict=False)
        torch.testing.assert_close(judge(images, logits) - without(images, logits), judge._prior(logits.exp()))
        judge.decode_head.conv_seg.weight.zero_()
        judge.decode_head.conv_seg.bias.zero_()
        correct = judge.correctness(judge(images, logits), logits)
        expected = 0.7 if kind == 'ErrorLocalizer' else 1.0
        torch.testing.assert_close(correct, torch.full((1, 16, 16), expected))
    assert judge(images, 1e4 * torch.randn(1, 4, 16, 16)).isfinite().all()  # probabilities of exactly 0 and 1
    judge(images, logits).sum().backward()
    assert judge.prior_scale.grad.abs() > 0


def test_loss_and_target_by_hand():
    """Predicted 0, 0, 1, 1; labels 0, 1, 1, 255: right, wrong, right, ignored. Output logit 0 costs ln 2 per pixel, the
    wrong one weighs 2 / 1: (1 + 2 + 1) / 3 * ln 2. Counted as wrong, the ignored one makes two wrong of weight 2 / 2.
    """
    logits = torch.tensor([[5.0, 5.0, 0.0, 0.0], [0.0, 0.0, 5.0, 5.0]]).reshape(1, 2, 1, 4)
    label, inside = torch.tensor([[[0, 1, 1, 255]]]), torch.ones(1, 1, 4, dtype=torch.bool)
    output, ln2 = torch.zeros(1, 1, 1, 4), torch.tensor(2.0).log()
    losses = build().loss(output, logits, label, inside)
    torch.testing.assert_close(losses['loss_detection'], 4 / 3 * ln2)
    torch.testing.assert_close(losses['wrong'], torch.tensor(1 / 3))
    release = build(ignored_as_wrong=True).loss(output, logits, label, inside)
    torch.testing.assert_close(release['loss_detection'], ln2)
    torch.testing.assert_close(release['wrong'], torch.tensor(0.5))
    target = build().target(torch.tensor([[[[-1.0, 1.0, 1.0, -1.0]]]]), logits, 0.5)
    assert target.label.tolist() == [[[0, 0, 1, 1]]]
    assert target.weight.tolist() == [[[0, 1, 1, 0]]]


@pytest.mark.parametrize('kind', ['ErrorLocalizer', 'ErrorCorrector'])
@pytest.mark.parametrize('case', ['no wrong pixel', 'all ignored', 'all padding'])
def test_guards(kind, case):
    """Finite, and a zero gradient where nothing is taught."""
    logits, label = torch.randn(2, 4, 8, 8), torch.full((2, 8, 8), 255)
    if case == 'no wrong pixel':
        label = logits.argmax(dim=1)
    inside = torch.full((2, 8, 8), case != 'all padding')
    output = torch.randn(2, 1 if kind == 'ErrorLocalizer' else 4, 8, 8, requires_grad=True)
    losses = build(kind).loss(output, logits, label, inside)
    loss = next(value for key, value in losses.items() if 'loss' in key)
    loss.backward()
    assert loss.isfinite() and output.grad.isfinite().all()
    assert (output.grad.abs().sum() > 0) == (case == 'no wrong pixel')


def test_it_learns_to_find_errors():
    """A prediction that is right on bright pixels and wrong on dark ones: after some steps it tells them apart."""
    judge = build()
    optimizer = torch.optim.Adam(judge.parameters(), lr=0.03)
    bright = (torch.arange(16) % 16 < 12).expand(2, 16, 16).clone()  # one pixel in four is wrong
    images = torch.where(bright, 1.0, -1.0)[:, None].expand(2, 3, 16, 16)
    label = torch.randint(0, 4, (2, 16, 16))
    predicted = label.where(bright, (label + 1) % 4)
    logits = 4 * F.one_hot(predicted, 4).permute(0, 3, 1, 2).float()
    inside = torch.ones_like(bright)
    for _ in range(12):
        optimizer.zero_grad()
        judge.loss(judge(images, logits), logits, label, inside)['loss_detection'].backward()
        optimizer.step()
    found = judge.correctness(judge(images, logits), logits) > 0.5
    assert (found == bright).float().mean() > 0.85


def test_the_corrector():
    """Its classes are the labels; right is what it would not change."""
    judge = build('ErrorCorrector')
    output, logits = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    target = judge.target(output, logits, 0.5)
    assert torch.equal(target.label, output.argmax(dim=1)) and target.weight.min() == 1
    assert torch.equal(judge.correctness(output, logits) == 1, output.argmax(dim=1) == logits.argmax(dim=1))
    label = torch.randint(0, 4, (1, 8, 8))
    label[0, :2] = 255
    loss = judge.loss(output, logits, label, torch.ones(1, 8, 8, dtype=torch.bool))['loss_correction']
    torch.testing.assert_close(loss, F.cross_entropy(output, label, ignore_index=255))


def test_confidence_is_a_judge_without_parameters():
    judge = MODELS.build(dict(type='ConfidenceThreshold', num_classes=4))
    logits = torch.randn(1, 4, 8, 8)
    probs = logits.softmax(dim=1)
    output = judge(torch.zeros(1, 3, 8, 8), logits)
    torch.testing.assert_close(judge.correctness(output, logits), probs.amax(dim=1))
    target = judge.target(output, logits, 0.5)
    assert isinstance(target, PixelTarget)
    assert torch.equal(target.weight > 0, probs.amax(dim=1) > 0.5)
    assert judge.loss(output, logits, logits.argmax(dim=1), output[:, 0] > 0) == {}


def test_projection_by_hand():
    """Two pixelwise linear maps with a ReLU between: x -> 2 relu(-x) for 1x1 weights -1 and 2, biases 0."""
    head = ProjectionHead(1, hidden_channels=1, out_channels=1)
    with torch.no_grad():
        for parameter, value in zip(head.parameters(), (-1.0, 0.0, 2.0, 0.0)):
            parameter.fill_(value)
    out = head(torch.tensor([[[[3.0, -4.0]]]]), torch.zeros(1, 2, 8, 8))
    assert out.tolist() == [[[[0, 8]]]]
    assert ProjectionHead(5)(torch.randn(2, 5, 3, 3), None).shape == (2, 128, 3, 3)


def test_errors():
    with pytest.raises(ValueError, match='inputs must be one of'):
        ErrorLocalizer(**TINY, inputs='image')
    with pytest.raises(ValueError, match='stem must be one of'):
        ErrorLocalizer(**TINY, stem='copied')
