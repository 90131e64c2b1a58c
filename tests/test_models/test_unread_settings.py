"""Settings of a segmentor that the host reads, and those that nothing would: asked without a network."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models.unread_settings import check_loss_names, check_test_cfg

SLIDE = dict(mode='slide', crop_size=(8, 8), stride=(4, 4))
POINTS = dict(mode='whole', subdivision_steps=2, subdivision_num_points=9, scale_factor=2)


@pytest.mark.parametrize('test_cfg', [{}, dict(mode='whole'), SLIDE, POINTS, dict(SLIDE, own_setting=1)])
def test_settings_that_the_host_reads(test_cfg):
    """None at all is enough for a network that only labels; a head of one's own may read its own."""
    check_test_cfg(test_cfg)


@pytest.mark.parametrize('key', [*SLIDE, *POINTS])
def test_settings_that_are_misspelled(key):
    with pytest.raises(NetworkError, match=f'has no {key}s, which nothing reads; did you mean {key}'):
        check_test_cfg({**SLIDE, f'{key}s': 1})


@pytest.mark.parametrize(
    ('test_cfg', 'match'),
    [
        (dict(crop_size=(8, 8), stride=(4, 4)), 'mode is "whole" or "slide", got None'),
        (dict(mode='slide', stride=(4, 4)), 'mode="slide" needs crop_size, too'),
        (dict(mode='slide', crop_size=(8, 8)), 'mode="slide" needs stride, too'),
        (dict(mode='slide'), 'mode="slide" needs crop_size and stride, too'),
    ],
)
def test_settings_that_are_missing(test_cfg, match):
    """The first validation broke off."""
    with pytest.raises(NetworkError, match=match):
        check_test_cfg(test_cfg)


def test_names_with_loss_anywhere_are_summed():
    for loss in (SimpleNamespace(loss_name='my_loss'), nn.L1Loss(), None):  # no name: a head that sums by itself
        check_loss_names('decode_head', SimpleNamespace(loss_decode=loss))
    check_loss_names('decode_head', SimpleNamespace())
