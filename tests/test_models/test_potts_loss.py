"""The Potts loss in a plain network: its colors are those of the step's images."""

import pytest
import tiny
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.compat.step_images import step_images
from mmseg_ssl.models import NetworkError, PottsLoss
from mmseg_ssl.models.losses import PottsCost
from mmseg_ssl.structures import Scribbles

MEAN, STD = [100.0, 110.0, 120.0], [50.0, 60.0, 70.0]
POTTS = dict(type='PottsLoss', weight=6.0, bandwidth=20.0)


@pytest.mark.parametrize('normalized', [True, False])
def test_a_plain_network_hands_over_its_images(normalized):
    """Its loss is the cost at the raw colors, without the padding; ignored pixels, here 200, are unlabeled ones."""
    network = tiny.tiny_segmentor()
    network['data_preprocessor'] = dict(
        type='SegDataPreProcessor', size=(16, 16), seg_pad_val=200, **(dict(mean=MEAN, std=STD) if normalized else {})
    )
    losses = [dict(type='CrossEntropyLoss', avg_non_ignore=True), POTTS]
    network['decode_head'] = tiny.fcn_head(loss_decode=losses, ignore_index=200)
    model = MODELS.build(network).eval()
    raw = torch.randint(0, 256, (3, 12, 16), dtype=torch.uint8)
    label = torch.randint(0, tiny.NUM_CLASSES, (1, 12, 16)).where(torch.rand(1, 12, 16) < 0.3, 255)
    given = label.where(label != 255, 200)
    sample = SegDataSample(gt_sem_seg=PixelData(data=given), metainfo=dict(img_shape=(12, 16)))
    batch = model.data_preprocessor(dict(inputs=[raw], data_samples=[sample]), training=True)
    losses = model.loss(batch['inputs'], batch['data_samples'])

    logits = model.decode_head(model.extract_feat(batch['inputs']))
    probs = torch.nn.functional.interpolate(logits, (16, 16), mode='bilinear').softmax(dim=1)[..., :12, :]
    scribbles = Scribbles(raw[None].float(), label, torch.ones(1, 12, 16, dtype=torch.bool))
    expected = PottsCost(weight=6.0, bandwidth=20.0)(probs, scribbles)
    torch.testing.assert_close(losses['decode.loss_potts'], expected, rtol=1e-4, atol=1e-5)
    assert step_images() is None  # after the step nothing is held


@pytest.mark.parametrize('channels', [1, 4])
def test_colors_are_those_of_the_methods(channels):
    """A bandwidth means the same: gray is a color of three equal values, and a fourth channel is no color."""
    network = tiny.tiny_segmentor()
    network['data_preprocessor'] = dict(type='SegDataPreProcessor', size=(16, 16))
    network['backbone']['in_channels'] = channels
    network['decode_head'] = tiny.fcn_head(loss_decode=POTTS)
    model = MODELS.build(network).eval()
    raw = torch.randint(100, 130, (channels, 16, 16), dtype=torch.uint8)
    label = torch.full((1, 16, 16), 255)
    sample = SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(img_shape=(16, 16)))
    batch = model.data_preprocessor(dict(inputs=[raw], data_samples=[sample]), training=True)
    actual = model.loss(batch['inputs'], batch['data_samples'])['decode.loss_potts']
    logits = model.decode_head(model.extract_feat(batch['inputs']))
    probs = torch.nn.functional.interpolate(logits, (16, 16), mode='bilinear').softmax(dim=1)
    colors = raw[[0, 0, 0]] if channels == 1 else raw[:3]
    expected = PottsCost(weight=6.0, bandwidth=20.0)(probs, Scribbles(colors[None].float(), label, label == 255))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-6)


def test_outside_of_a_plain_network_it_says_what_to_take():
    with pytest.raises(NetworkError, match='take PottsRegularized'):
        PottsLoss()(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4).long())
