"""Channel dropout of a part of the batch."""

import pytest
import torch

from mmseg_ssl.ops import drop_channels, drop_complementary_channels


def levels(images=8, widths=(16, 16, 32)):
    return tuple(torch.rand(images, width, 4, 5) + 1 for width in widths)


def test_whole_channels_of_the_last_images_are_dropped():
    """Kept ones grow by 1 / (1 - 0.25), so that the expectation stays; the others are the same, bit for bit."""
    feats = levels(images=40)
    for old, new in zip(feats, drop_channels(feats, last=30, prob=0.25)):
        assert torch.equal(new[:10], old[:10])
        ratio = (new / old)[10:]
        assert torch.equal(ratio, ratio[:, :, :1, :1].expand_as(ratio)) or ratio.std(dim=(2, 3)).max() < 1e-6
        torch.testing.assert_close(ratio.unique().min(), torch.tensor(0.0))
        torch.testing.assert_close(ratio.max(), torch.tensor(4 / 3))
        assert 0.2 < (ratio[:, :, 0, 0] == 0).float().mean() < 0.3


def test_nothing_to_drop():
    feats = levels()
    for old, none, zero in zip(feats, drop_channels(feats, last=0), drop_channels(feats, last=3, prob=0.0)):
        assert torch.equal(old, none) and torch.equal(old, zero)


def test_views_share_out_their_channels():
    """m and 1 - m, times 2: the two views' features add up to twice the channel, where dropped; half are whole."""
    feats = tuple(torch.ones(3 + 2 * 10, width, 2, 2) for width in (16, 16, 32))
    dropped = drop_complementary_channels(feats, pairs=10)
    for new in dropped:
        assert torch.equal(new[:3], torch.ones_like(new[:3]))
        first, second = new[3:13], new[13:]
        assert torch.equal(first + second, torch.full_like(first, 2.0))
        whole = (first == 1).flatten(1).all(dim=1)
        assert whole.sum() == 5
        assert set(first[~whole].unique().tolist()) == {0.0, 2.0}
        assert 0.3 < (first[~whole] == 0).float().mean() < 0.7
    assert torch.equal(dropped[0], dropped[1])  # equal widths share the mask


def test_keep_limits_and_odd_numbers():
    feats = levels()
    for old, new in zip(feats, drop_complementary_channels(feats, pairs=4, keep=1.0)):
        assert torch.equal(old, new)
    ones = (torch.ones(6, 64, 1, 1),)
    (new,) = drop_complementary_channels(ones, pairs=3)  # int(1.5) = 1 image is whole
    assert (new[:3] == 1).flatten(1).all(dim=1).sum() == 1
    (new,) = drop_complementary_channels(ones, pairs=3, keep=0.0)
    assert not (new == 1).any()


def test_a_dropped_channel_gets_no_gradient_and_a_kept_one_twice():
    level = torch.ones(4, 32, 2, 2, dtype=torch.float64, requires_grad=True)
    (new,) = drop_complementary_channels((level,), pairs=2, keep=0.0)
    new.sum().backward()
    assert torch.equal(level.grad, new.detach())


def test_a_class_token_loses_the_channels_of_its_map():
    """A ViT's level is [map, class token]; a channel left in one of the two would tell what the other lost."""
    level = [torch.ones(6, 16, 2, 3), torch.ones(6, 16), torch.ones(6, 5, 16)]
    for one, two in (
        drop_channels([level, level], last=4),
        drop_complementary_channels([level, level], pairs=2, keep=0.0),
    ):
        assert isinstance(one, list)
        for maps, token, tokens in (one, two):
            assert (maps[:2] == 1).all() and set(maps[2:].unique().tolist()) == {0.0, 2.0}
            assert torch.equal(maps, token[..., None, None].expand_as(maps))
            assert torch.equal(tokens, token[:, None].expand_as(tokens))
    assert not torch.equal(*(levels[0] for levels in drop_channels([level, level], last=4)))  # each level its own


def test_draws_are_those_of_dropout2d():
    """One draw per channel and level, in their order: results at a fixed seed do not depend on how it is written."""
    feats = levels()
    torch.manual_seed(3)
    got = drop_channels(feats, last=5)
    torch.manual_seed(3)
    for level, new in zip(feats, got):
        assert torch.equal(new[-5:], torch.nn.functional.dropout2d(level[-5:], 0.5))


def test_half_precision_stays():
    (new,) = drop_complementary_channels((torch.ones(2, 4, 1, 1, dtype=torch.bfloat16),), pairs=1, keep=0.0)
    assert new.dtype == torch.bfloat16


def test_errors():
    with pytest.raises(ValueError, match='B >= 10; got'):
        drop_channels(levels(), last=10)
    with pytest.raises(ValueError, match='got NoneType. Let the backbone return'):
        drop_complementary_channels([[torch.ones(2, 4, 1, 1), None]], pairs=1)
    with pytest.raises(ValueError, match='keep is a share'):
        drop_complementary_channels(levels(), pairs=1, keep=2)
