"""``TwoLayerASPPHead``: the classifier of ELN."""

import pytest
import torch
import torch.nn.functional as F
import toy_parts  # noqa: F401
from mmseg.registry import MODELS

from mmseg_ssl.models import Branch

HEAD = dict(
    type='TwoLayerASPPHead',
    in_channels=8,
    in_index=1,
    channels=6,
    num_classes=3,
    dilations=(1, 2),
    c1_in_channels=8,
    c1_channels=2,
    dropout_ratio=0.0,
    norm_cfg=dict(type='BN'),
)


def test_two_layers_on_the_embedding(monkeypatch):
    """Logits are W2 relu(W1 e + b1) + b2 of the embedding e, which side heads get, and nothing less."""
    torch.manual_seed(0)
    segmentor = dict(type='EncoderDecoder', backbone=dict(type='ToyBackbone'), decode_head=HEAD)
    branch = Branch(segmentor, dict(projection=dict(type='ProjectionHead'))).eval()
    branch.init_weights()
    pred = branch(torch.randn(2, 3, 16, 16))
    first, _, second = branch.segmentor.decode_head.conv_seg
    hidden = F.conv2d(pred.embedding, first.weight, first.bias).clamp(min=0)
    logits = F.conv2d(hidden, second.weight, second.bias)
    assert (hidden == 0).any() and pred.embedding.shape[1] == 6
    torch.testing.assert_close(pred.logits, F.interpolate(logits, (16, 16), mode='bilinear', align_corners=False))
    # the host's deviation of 0.01 in both layers would leave a thousandth of this
    assert second.weight.std() > 0.1 < first.weight.std()


@pytest.mark.parametrize('channels', [1, 3])
def test_it_ends_in_as_many_channels_as_a_plain_head(channels):
    """One for a localizer (two classes), and the attributes of a convolution, which others read."""
    options = dict(num_classes=2, out_channels=1, threshold=0.5) if channels == 1 else {}
    head = MODELS.build(dict(HEAD, **options))
    assert (head.conv_seg.in_channels, head.conv_seg.out_channels) == (6, channels)
    feats = [torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4)]
    assert head.eval()(feats).shape == (2, channels, 8, 8)
