"""Side heads in a decode head of plain mmseg."""

import pytest
import tiny
import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead, PSPHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.models import Branch, NetworkError

SIDES = dict(variance=dict(type='VarianceHead'), energy=dict(type='EnergyHead'), projection=dict(type='ProjectionHead'))


def with_sides(of='FCNHead', **options):
    head = dict(tiny.fcn_head(**options), type='WithSideHeads', of=of, side_heads=SIDES)
    return {key: value for key, value in head.items() if value is not None}


def samples(classes, size=8):
    return [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, classes, (1, size, size)))) for _ in range(2)]


def test_the_head_is_what_it_was_and_has_one_loss_more():
    head = MODELS.build(with_sides(in_channels=4, in_index=0, num_classes=3))
    assert isinstance(head, FCNHead) and type(head).__name__ == 'FCNHeadWithSideHeads'
    plain = MODELS.build(tiny.fcn_head(in_channels=4, in_index=0, num_classes=3))
    plain.load_state_dict({key: value for key, value in head.state_dict().items() if 'side_heads' not in key})
    feats, batch = (torch.randn(2, 4, 4, 4),), samples(3)
    head.eval(), plain.eval()
    torch.testing.assert_close(head(feats), plain(feats))
    losses, before = head.loss(feats, batch, {}), plain.loss(feats, batch, {})
    assert set(losses) == {*before, 'loss_variance'}  # energy and projection have no loss of their own
    for key, value in before.items():
        torch.testing.assert_close(losses[key], value)
    losses['loss_variance'].backward()
    assert (head.side_heads.variance.conv.weight.grad != 0).any()


def test_the_loss_is_that_of_a_branch_with_the_side_head():
    """Same weights, same noise: a plain network with the head and Supervised's branch train the variance alike."""
    network = tiny.tiny_segmentor()
    branch = Branch(network, dict(variance=SIDES['variance'])).eval()
    head = dict(network['decode_head'])
    plain = MODELS.build(
        dict(
            network,
            decode_head=dict(head, type='WithSideHeads', of=head['type'], side_heads=dict(variance=SIDES['variance'])),
        )
    ).eval()
    weights = {key.replace('segmentor.', ''): value for key, value in branch.state_dict().items()}
    plain.load_state_dict(
        {key.replace('side_heads', 'decode_head.side_heads'): value for key, value in weights.items()}
    )
    images, batch = torch.randn(2, 3, 16, 16), samples(tiny.NUM_CLASSES, 16)
    torch.manual_seed(0)
    ours = branch.supervised_loss(branch(images), batch)
    torch.manual_seed(0)
    theirs = plain.loss(images, batch)
    torch.testing.assert_close(theirs['decode.loss_variance'], ours['loss_variance'])
    torch.testing.assert_close(theirs['decode.loss_ce'], ours['loss_ce'])


def test_any_head_of_the_host_that_ends_in_conv_seg():
    head = MODELS.build(with_sides('PSPHead', num_convs=None, pool_scales=(1, 2)))
    assert isinstance(head, PSPHead)
    assert 'loss_variance' in head.loss(
        (torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4)), samples(tiny.NUM_CLASSES), {}
    )


@pytest.mark.parametrize('of', ['FCNhead', 'ResNetV1c'])
def test_what_is_no_decode_head_is_refused(of):
    with pytest.raises(NetworkError, match=f'of=.{of}. is no decode head'):
        MODELS.build(with_sides(of, in_channels=4, in_index=0, num_classes=3))


def test_a_method_refuses_a_head_whose_side_heads_it_would_not_train():
    network = tiny.tiny_segmentor()
    network['decode_head'] = dict(network['decode_head'], of=network['decode_head']['type'], side_heads=SIDES)
    network['decode_head']['type'] = 'WithSideHeads'
    with pytest.raises(NetworkError, match='Give side_heads to the method'):
        Branch(network)
