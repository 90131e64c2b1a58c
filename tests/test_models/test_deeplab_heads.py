"""Networks of the first DeepLabs: their sizes, values, and that torchvision's weights belong where they are loaded."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn
from toy_process import ROOT

from mmseg_ssl.models import Branch, DeepLabV2Head, DilatedVGG, LargeFOVHead

NETWORKS = ROOT / 'configs/_base_/networks'


def test_dilated_classifiers_are_summed():
    torch.manual_seed(0)
    head = DeepLabV2Head(dilations=(1, 3), in_channels=4, channels=4, num_classes=5, dropout_ratio=0.0, in_index=1)
    levels = [torch.zeros(1, 1, 1, 1), torch.randn(2, 4, 9, 8)]
    one, three = head.conv_seg
    expected = F.conv2d(levels[1], one.weight, one.bias, padding=1)
    expected = expected + F.conv2d(levels[1], three.weight, three.bias, padding=3, dilation=3)
    torch.testing.assert_close(head(levels), expected)
    assert head(levels).shape == (2, 5, 9, 8)


def test_a_large_field_of_view():
    torch.manual_seed(0)
    head = LargeFOVHead(dilation=2, in_channels=4, channels=6, num_classes=5, dropout_ratio=0.5).eval()
    level = torch.randn(2, 4, 9, 8)
    fc6 = F.conv2d(level, head.fc6.conv.weight, head.fc6.conv.bias, padding=2, dilation=2).relu()
    fc7 = F.conv2d(fc6, head.fc7.conv.weight, head.fc7.conv.bias).relu()
    torch.testing.assert_close(head([level]), F.conv2d(fc7, head.conv_seg.weight, head.conv_seg.bias))


def test_layers_have_the_numbers_of_torchvision():
    """https://pytorch.org/vision: features of vgg16 are conv, relu, ..., with poolings at 4, 9, 16, 23 and 30."""
    features = DilatedVGG().features
    assert [place for place, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)] == [4, 9, 16, 23, 30]
    places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    sizes = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    assert tuple(features[place].out_channels for place in places) == sizes
    assert [features[place].dilation[0] for place in places] == [1] * 10 + [2] * 3


@pytest.mark.parametrize(('name', 'channels'), [('deeplabv2_r101-d8', 2048), ('deeplab_vgg16-d8', 1024)])
def test_a_branch_takes_them(name, channels):
    """At stride 8 of a crop of 513, with the classifier's input as the embedding."""
    segmentor = Config.fromfile(str(NETWORKS / f'{name}.py')).model.segmentor
    segmentor.decode_head.num_classes = 21
    segmentor.backbone.update(init_cfg=None, **(dict(depth=50) if 'r101' in name else {}))
    for part in (segmentor.backbone, segmentor.decode_head):
        if 'norm_cfg' in part:
            part.norm_cfg = dict(type='BN')
    pred = Branch(segmentor).eval()(torch.zeros(1, 3, 65, 65))
    assert pred.logits.shape == (1, 21, 65, 65) and pred.embedding.shape == (1, channels, 9, 9)


def test_weights_are_found_without_torchvision():
    """It is no dependency, and mmengine asks it for what ``torchvision://`` names."""
    assert 'torchvision:/' not in ''.join(path.read_text() for path in NETWORKS.glob('*.py'))


def test_their_classifiers_start_small():
    """The host's initialization of ``conv_seg`` reaches each of the summed ones."""
    head = MODELS.build(
        dict(type='DeepLabV2Head', in_channels=64, channels=64, num_classes=21, dropout_ratio=0.0, in_index=0)
    )
    head.init_weights()
    assert all(0.009 < float(convolve.weight.std()) < 0.011 for convolve in head.conv_seg)
