"""The head of the public codes of CPS, CPCL and DUEB: its layers, and its value against a plain transcription."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn
from toy_process import ROOT

from mmseg_ssl.models import PlainASPPHead

CONFIG = ROOT / 'configs/_base_/networks/deeplabv3plus_r50-d16_plain.py'


@pytest.fixture
def head():
    """Small, in eval mode: the norms have statistics that are not 0 and 1, and weights of their own."""
    torch.manual_seed(0)
    head = PlainASPPHead(
        dilations=(1, 2, 3),
        c1_in_channels=5,
        c1_channels=2,
        in_channels=4,
        in_index=1,
        channels=3,
        num_classes=6,
        dropout_ratio=0.0,
        norm_cfg=dict(type='BN'),
        align_corners=True,
    )
    for module in head.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                nn.init.uniform_(values, 0.5, 1.5)
    return head.eval()


def test_its_value(head):
    """Convolutions, norms and activations in the order of the public code; LeakyReLU's slope is 0.01."""
    low, high = torch.randn(2, 5, 12, 10), torch.randn(2, 4, 6, 5)
    convolved = torch.cat(
        [
            F.conv2d(high, head.aspp[0].weight),
            F.conv2d(high, head.aspp[1].weight, padding=2, dilation=2),
            F.conv2d(high, head.aspp[2].weight, padding=3, dilation=3),
        ],
        dim=1,
    )
    context = F.conv2d(F.leaky_relu(head.aspp_norm[0](convolved), 0.01), head.aspp_reduce.weight)
    mean = high.mean(dim=(2, 3), keepdim=True)
    mean = F.leaky_relu(head.pool[1].bn(F.conv2d(mean, head.pool[1].conv.weight)), 0.01)
    context = F.leaky_relu(head.sum_norm[0](context + F.conv2d(mean, head.pool[2].weight)), 0.01)
    context = F.interpolate(context, size=(12, 10), mode='bilinear', align_corners=True)
    detail = head.c1_reduce.bn(F.conv2d(low, head.c1_reduce.conv.weight)).relu()
    decoded = torch.cat([context, detail], dim=1)
    for block in head.decoder:
        decoded = block.bn(F.conv2d(decoded, block.conv.weight, padding=1)).relu()
    expected = F.conv2d(decoded, head.conv_seg.weight, head.conv_seg.bias)
    torch.testing.assert_close(head([low, high]), expected)
    assert (context < 0).any()  # or the slope would not show


def test_its_sizes_in_the_network_file():
    """Of the public code: 2048 -> 4 x 256 -> 256, 256 -> 48, 304 -> 256 -> 256; no separable convolution."""
    cfg = Config.fromfile(str(CONFIG)).model.segmentor
    cfg.decode_head.num_classes = 21
    with torch.device('meta'):
        network = MODELS.build(cfg)
    convolutions = [module for module in network.decode_head.modules() if isinstance(module, nn.Conv2d)]
    assert {module.groups for module in convolutions} == {1}
    sizes = [(module.in_channels, module.out_channels, module.dilation[0]) for module in convolutions]
    head = [(2048, 256, 1), (2048, 256, 6), (2048, 256, 12), (2048, 256, 18), (1024, 256, 1)]
    assert sizes[1:] == [*head, (2048, 256, 1), (256, 256, 1), (256, 48, 1), (304, 256, 1), (256, 256, 1)]
    assert sizes[0] == (256, 21, 1)  # conv_seg
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert norms and not [module for module in norms if isinstance(module, nn.SyncBatchNorm)]
