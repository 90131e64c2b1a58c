"""Methods on networks of every kind, whatever the shapes of their levels and heads."""

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from network_table import PAGE, row
from test_methods import METHODS, step, wrapper_of
from tiny_networks import NETWORKS

from mmseg_ssl.errors import NetworkError

# one of each kind: channel dropout of the levels, embedding and two networks, decoders that read the levels again
FAST = ('UniMatchV1', 'DUEB', 'ELNWarmup')
methods = [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in METHODS]
NO_EMBEDDING = ('PointRend', 'Segmenter', 'K-Net')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.mark.parametrize('network', NETWORKS)
@pytest.mark.parametrize('method', methods)
def test_a_step_trains_the_network(method, network):
    """Losses are finite, and the backbone and the head of every trained network move; or the head lacks what the
    method reads, and building says so.
    """
    torch.manual_seed(0)
    try:
        model = tiny.build(method, NETWORKS[network]())
    except NetworkError as error:
        assert network in NO_EMBEDDING and 'reads the embedding' in str(error)
        return
    before = {key: value.detach().clone() for key, value in model.named_parameters() if value.requires_grad}
    logs = step(model, wrapper_of(model), 1)
    assert all(value.isfinite().all() for value in logs.values())
    after = dict(model.named_parameters())
    for part in ('backbone', 'decode_head'):
        moved = [not torch.equal(after[key], value) for key, value in before.items() if f'.{part}.' in key]
        assert sum(moved) > len(moved) / 2, part


@pytest.mark.slow
@pytest.mark.parametrize('network', NETWORKS)
def test_the_table_of_the_documentation(network):
    """``network_table.py`` writes it."""
    assert row(network) in PAGE.read_text()
    assert f'| network | {" | ".join(METHODS)} |\n' in PAGE.read_text()
