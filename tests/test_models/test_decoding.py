"""Heads that return more than a map of logits: the host's inference and losses, computed from one forward."""

import numpy as np
import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.datasets.transforms import GenerateEdge
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS
from tiny_networks import NETWORKS

from mmseg_ssl.models import Branch, NetworkError
from mmseg_ssl.models.edge_maps import edge_map

every_network = pytest.mark.parametrize('network', NETWORKS)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(network):
    torch.manual_seed(0)
    branch = Branch(NETWORKS[network]())
    branch.init_weights()
    for module in branch.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.Dropout2d)):
            module.p = 0.0  # the host decodes again for its losses
    return branch


def host_edges(label, width):
    results = dict(img_shape=label.shape, gt_seg_map=label.numpy().astype(np.uint8))
    return torch.from_numpy(GenerateEdge(width).transform(results)['gt_edge_map']).long()


@every_network
def test_logits_are_those_that_the_host_predicts(network):
    branch = build(network).eval()
    images = torch.randn(2, 3, 32, 48)
    metas = [dict(img_shape=(32, 48))] * 2
    expected = branch.segmentor.encode_decode(images, metas)
    torch.testing.assert_close(branch(images).logits, expected)


@every_network
def test_losses_are_the_hosts(network):
    """Of every head and output, also where two batches share a call."""
    branch = build(network).train()
    data = tiny.build().data_preprocessor(tiny.batch(ratio=0), True)
    images, samples = data['inputs']['sup'], data['data_samples']['sup']
    for sample in samples:
        sample.gt_edge_map = PixelData(data=host_edges(sample.gt_sem_seg.data[0], 4)[None])
    pred = branch(torch.cat([images, images]))
    torch.manual_seed(1)  # PointRend draws points
    ours = branch.supervised_loss(pred.split([2, 2])[1], samples)
    torch.manual_seed(1)
    host = branch.segmentor.loss(images, samples)
    host = {key.removeprefix('decode.'): value for key, value in host.items()}
    assert ours.keys() == host.keys() and [key for key in ours if 'loss' in key]
    for key, value in host.items():
        torch.testing.assert_close(ours[key], value, msg=lambda text, key=key: f'{key}: {text}')


@pytest.mark.parametrize('width', [1, 3, 4])
def test_edges_are_those_of_the_hosts_transform(width):
    label = torch.randint(0, 3, (2, 9, 7)).repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)
    label[:, 4:9, :5] = 255
    expected = torch.stack([host_edges(one, width) for one in label])
    assert 0 < expected.float().mean() < 1
    assert torch.equal(edge_map(label, width), expected)


def test_pidnet_makes_its_own_edges():
    branch = build('PIDNet').train()
    data = tiny.build().data_preprocessor(tiny.batch(ratio=0), True)
    images, samples = data['inputs']['sup'], data['data_samples']['sup']
    pred = branch(images)
    own = branch.supervised_loss(pred, samples)
    assert 'gt_edge_map' not in samples[0]
    for sample in samples:
        sample.gt_edge_map = PixelData(data=host_edges(sample.gt_sem_seg.data[0], 4)[None])
    assert torch.equal(own['loss_bd'], branch.supervised_loss(pred, samples)['loss_bd'])


@MODELS.register_module()
class TwoMaps(FCNHead):
    """A head outside of mmseg with two outputs."""

    def forward(self, inputs):
        logits = super().forward(inputs)
        return 0 * logits, logits


def test_a_head_of_several_outputs_says_which_one_counts():
    branch = Branch(tiny.tiny_segmentor(decode_head=tiny.fcn_head(type='TwoMaps')))
    with pytest.raises(NetworkError, match='TwoMaps returns tuple .* attribute main_output'):
        branch(torch.randn(2, 3, 16, 16))
    branch.segmentor.decode_head.main_output = 1
    assert branch(torch.randn(2, 3, 16, 16)).logits.abs().sum() > 0


@pytest.mark.parametrize('network', ['PointRend', 'Segmenter', 'K-Net'])
def test_an_embedding_that_is_read_must_be_there(network):
    head = dict(PointRend='PointHead', Segmenter='SegmenterMaskTransformerHead').get(network, 'IterativeDecodeHead')
    for options in (dict(side_heads=dict(variance=dict(type='VarianceHead'))), dict(needs_embedding=True)):
        with pytest.raises(NetworkError, match=f'reads the embedding, .* and {head} has no conv_seg'):
            Branch(NETWORKS[network](), **options)
    Branch(NETWORKS[network](), dict(energy=dict(type='EnergyHead')))  # logits are enough
