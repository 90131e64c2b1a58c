"""``Branch`` on several heads, and its side heads."""

import copy

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS

from mmseg_ssl.models import Branch, NetworkError, VarianceHead
from mmseg_ssl.models.losses import heteroscedastic_cross_entropy

HEADS = dict(
    fcn=tiny.fcn_head(),
    fcn_plain=tiny.fcn_head(num_convs=0, kernel_size=1, concat_input=False),
    deeplabv3plus=tiny.fcn_head(
        type='DepthwiseSeparableASPPHead', num_convs=None, dilations=(1, 2), c1_in_channels=8, c1_channels=4
    ),
    uper=tiny.fcn_head(
        type='UPerHead', num_convs=None, in_channels=[8, 8], in_index=[0, 1], pool_scales=(1, 2), channels=8
    ),
    segformer=tiny.fcn_head(type='SegformerHead', num_convs=None, in_channels=[8, 8], in_index=[0, 1]),
)


def make(head: str = 'fcn', **options) -> Branch:
    """A branch in eval mode, so that dropout is an identity."""
    config = {key: value for key, value in HEADS[head].items() if value is not None}
    return Branch(copy.deepcopy(tiny.tiny_segmentor(decode_head=config)), **options).eval()


@pytest.mark.parametrize('head', HEADS)
def test_prediction(head):
    """Logits at the size of the input, and ``conv_seg`` of the embedding gives them, with every kind of head."""
    branch = make(head)
    images = torch.randn(2, 3, 36, 28)
    pred = branch(images)
    assert pred.logits.shape == (2, tiny.NUM_CLASSES, 36, 28)
    decode_head = branch.segmentor.decode_head
    low = decode_head.conv_seg(pred.embedding)
    torch.testing.assert_close(pred.logits, F.interpolate(low, (36, 28), mode='bilinear', align_corners=False))
    assert len(pred.feats) == 2
    assert torch.equal(pred.feats[0], branch.segmentor.extract_feat(images)[0])


def test_corners_are_aligned_as_the_head_says():
    """Logits and maps of side heads have the pixels of one grid."""
    segmentor = tiny.tiny_segmentor(decode_head=tiny.fcn_head(align_corners=True))
    branch = Branch(segmentor, side_heads=dict(variance=dict(type='VarianceHead'))).eval()
    pred = branch(torch.randn(2, 3, 36, 28))
    low = branch.segmentor.decode_head.conv_seg(pred.embedding)
    torch.testing.assert_close(pred.logits, F.interpolate(low, (36, 28), mode='bilinear', align_corners=True))
    low = branch.side_heads['variance'](pred.embedding, None)
    expected = F.interpolate(low, (36, 28), mode='bilinear', align_corners=True)
    torch.testing.assert_close(pred.side['variance'], expected)


def test_logits_have_the_size_of_a_padded_batch():
    """Trap 1 of the host: a crop of 64x48 padded to 64x64 has logits of 64x64; the host's ``encode_decode`` with the
    sample's ``img_shape`` gives 64x48, which no longer fits the images.
    """
    branch = make()
    images = torch.randn(1, 3, 64, 64)
    assert branch(images).logits.shape[2:] == (64, 64)
    assert branch.segmentor.encode_decode(images, [dict(img_shape=(64, 48))]).shape[2:] == (64, 48)


def test_no_hook_is_left_behind():
    """A copy (the EMA teacher) must not report to the original."""
    branch = make()
    branch(torch.randn(1, 3, 16, 16))
    assert not branch.segmentor.decode_head.conv_seg._forward_pre_hooks
    with pytest.raises(RuntimeError):
        branch(torch.randn(1, 2, 16, 16))
    assert not branch.segmentor.decode_head.conv_seg._forward_pre_hooks


def test_what_is_no_branch():
    with pytest.raises(NetworkError, match='or a CascadeEncoderDecoder .* got FCNHead with no decode_head'):
        Branch(tiny.fcn_head())
    with pytest.raises(NetworkError, match='Mask2FormerHead predicts a set of masks .* Take a decode head that'):
        Branch(tiny.tiny_segmentor(decode_head=dict(type='mmseg.Mask2FormerHead')))


def test_supervised_loss_is_the_hosts():
    """The host's own ``loss`` on the same images, auxiliary head included."""
    branch = Branch(tiny.tiny_segmentor(auxiliary=True)).eval()
    data = tiny.build().data_preprocessor(tiny.batch(ratio=0), True)
    images, samples = data['inputs']['sup'], data['data_samples']['sup']
    ours = branch.supervised_loss(branch(images), samples)
    host = branch.segmentor.loss(images, samples)
    assert ours['loss_ce'] > 0
    torch.testing.assert_close(ours['loss_ce'], host['decode.loss_ce'])
    torch.testing.assert_close(ours['aux.loss_ce'], host['aux.loss_ce'])


def test_the_shipped_networks_divide_by_valid_pixels(root):
    """Trap 6 of the host: without ``avg_non_ignore`` its cross entropy divides by ignored pixels too."""
    from mmengine.config import Config

    configs = [Config.fromfile(file) for file in sorted((root / 'configs/_base_/networks').glob('*.py'))]
    networks = [config.model for config in configs if 'model' in config]  # ELN's localizers are no segmentors
    assert networks
    for network in networks:
        segmentor = network.segmentor
        for head in (segmentor.decode_head, segmentor.get('auxiliary_head')):
            if head is None:
                continue
            losses = head.loss_decode if isinstance(head.loss_decode, list) else [head.loss_decode]
            logits, label = torch.randn(1, 4, 2, 2), torch.tensor([[[0, 255], [255, 255]]])
            cross_entropy = [cfg for cfg in losses if cfg.type == 'CrossEntropyLoss']
            for cfg in cross_entropy:
                loss = MODELS.build(dict(cfg, class_weight=None, loss_weight=1.0))(logits, label, ignore_index=255)
                expected = F.cross_entropy(logits, label, ignore_index=255)
                assert loss.item() == pytest.approx(expected.item(), rel=1e-4), segmentor


def test_side_heads():
    """Built with what the branch knows; per-pixel maps have the size of the image; variance is softplus(w f + b)."""
    branch = make(side_heads=dict(variance=dict(type='VarianceHead'), energy=dict(type='EnergyHead')))
    pred = branch(torch.randn(2, 3, 32, 24))
    head = branch.side_heads['variance']
    assert head.conv.in_channels == branch.segmentor.decode_head.conv_seg.in_channels
    low = F.softplus(head.conv(pred.embedding))
    expected = F.interpolate(low, (32, 24), mode='bilinear', align_corners=False)
    torch.testing.assert_close(pred.side['variance'], expected)
    energy = -torch.logsumexp(pred.logits, dim=1, keepdim=True)
    torch.testing.assert_close(pred.side['energy'], energy)
    assert not list(branch.side_heads['energy'].parameters())


def test_variance_is_bounded():
    head = VarianceHead(in_channels=1)
    torch.nn.init.ones_(head.conv.weight)
    torch.nn.init.zeros_(head.conv.bias)
    variance = head(torch.tensor([-50.0, 0.0, 50.0]).reshape(1, 1, 1, 3), None)
    assert variance.flatten()[0] > 0
    torch.testing.assert_close(variance.flatten()[1:], torch.tensor([0.6931472, 10.0]))


def test_what_teaches_the_variance():
    """The loss of the pixels with a label, times its weight."""
    branch = make(side_heads=dict(variance=dict(type='VarianceHead', loss_weight=3.0)))
    pred = branch(torch.randn(2, 3, 16, 16))
    label = torch.randint(0, tiny.NUM_CLASSES, (2, 16, 16))
    label[:, :5] = 255
    torch.manual_seed(1)
    loss = branch.side_heads.losses(pred, label)['loss_variance']
    torch.manual_seed(1)
    costs = heteroscedastic_cross_entropy(pred.logits, pred.side['variance'], label)
    torch.testing.assert_close(loss, 3 * costs[label != 255].mean())


def test_autocast():
    """Trap 10 of the host: logits, energy and variance are fp32 under autocast, though the network is not."""
    branch = make(side_heads=dict(variance=dict(type='VarianceHead'), energy=dict(type='EnergyHead')))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        pred = branch(torch.randn(1, 3, 16, 16))
    assert pred.embedding.dtype == torch.bfloat16
    assert {tensor.dtype for tensor in (pred.logits, *pred.side.values())} == {torch.float32}


def test_split_cuts_every_tensor():
    branch = make(side_heads=dict(variance=dict(type='VarianceHead')))
    images = torch.randn(3, 3, 16, 16)
    whole = branch(images)
    first, second = whole.split([1, 2])
    for part, place in ((first, slice(0, 1)), (second, slice(1, 3))):
        assert torch.equal(part.logits, whole.logits[place])
        assert torch.equal(part.embedding, whole.embedding[place])
        assert torch.equal(part.side['variance'], whole.side['variance'][place])
        assert torch.equal(part.feats[1], whole.feats[1][place])


def test_features_may_be_perturbed_before_the_heads():
    """The decode head, the embedding and ``feats`` see what was returned; the encoder runs once."""
    branch = make().eval()
    images, calls = torch.randn(3, 3, 32, 24), []
    branch.segmentor.backbone.register_forward_hook(lambda _, args, __: calls.append(len(args[0])))
    plain = branch(images)
    changed = branch(images, lambda feats: tuple(torch.cat([level[:2], 0 * level[2:]]) for level in feats))
    assert calls == [3, 3]
    torch.testing.assert_close(changed.logits[:2], plain.logits[:2])
    zero = branch.segmentor.decode_head([torch.zeros_like(level[2:]) for level in plain.feats])
    torch.testing.assert_close(changed.logits[2:], F.interpolate(zero, (32, 24), mode='bilinear', align_corners=False))
    assert all((level[2:] == 0).all() for level in changed.feats)
    assert not torch.allclose(changed.embedding[2:], plain.embedding[2:])


def test_logits_are_contiguous_whatever_the_layout_of_the_images():
    """Targets and losses reduce over channels, which is fast on contiguous maps alone."""
    branch = Branch(tiny.tiny_segmentor()).eval()
    images = torch.randn(2, 3, 32, 32)
    plain, last = (branch(given) for given in (images, images.contiguous(memory_format=torch.channels_last)))
    assert last.logits.is_contiguous() and not last.feats[0].is_contiguous()
    torch.testing.assert_close(last.logits, plain.logits)


@pytest.mark.parametrize('place', ['decode_head', 'auxiliary_head'])
def test_a_loss_that_is_only_logged_is_refused(place):
    """The host sums the keys with "loss" in them: one called "ce" was logged, and its head never trained."""
    segmentor = tiny.tiny_segmentor(auxiliary=True)
    segmentor[place]['loss_decode']['loss_name'] = 'ce'
    with pytest.raises(NetworkError, match=rf"{place}.loss_decode has loss_name='ce'.* Write loss_name='loss_ce'"):
        Branch(segmentor)
    segmentor = tiny.tiny_segmentor(auxiliary=True)
    segmentor[place]['loss_decode'] = [dict(type='CrossEntropyLoss'), dict(type='DiceLoss', loss_name='dice')]
    with pytest.raises(NetworkError, match="loss_name='dice'"):
        Branch(segmentor)


@pytest.mark.parametrize(
    ('test_cfg', 'match'),
    [
        (dict(mode='slied', crop_size=(8, 8), stride=(4, 4)), 'mode is "whole" or "slide", got \'slied\''),
        (
            dict(mode='slide', crop_sizes=(8, 8), stride=(4, 4)),
            'no crop_sizes, which nothing reads; did you mean crop_s',
        ),
        (dict(mode='whole', stide=(4, 4)), 'did you mean stride'),
    ],
)
def test_a_misspelled_inference_is_refused(test_cfg, match):
    """It was found at the first validation, or never."""
    with pytest.raises(NetworkError, match=match):
        Branch(tiny.tiny_segmentor(test_cfg=test_cfg))
