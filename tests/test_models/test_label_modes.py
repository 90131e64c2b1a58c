"""Labels of a network that is being trained."""

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope

from mmseg_ssl.models import Branch
from mmseg_ssl.models.label_modes import labeling_mode


@pytest.mark.parametrize('before', [True, False])
@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_mode_and_gradient_are_put_back(before, mode):
    """Also when the network fails."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 2)).train(before)
    with labeling_mode(network, mode):
        assert network[0].training == (mode == 'train')
        assert not network(torch.ones(1, 2)).requires_grad
    assert network[0].training == before and torch.is_grad_enabled()
    with pytest.raises(RuntimeError), labeling_mode(network, mode):
        network(torch.ones(1, 3))
    assert network[0].training == before and torch.is_grad_enabled()


def test_statistics_move_in_train_mode_alone():
    init_default_scope('mmseg')
    branch = Branch(tiny.tiny_segmentor())
    statistics = branch.segmentor.backbone.first[1].running_mean
    before = statistics.clone()
    for mode, moved in (('eval', False), ('train', True)):
        with labeling_mode(branch, mode):
            branch(torch.randn(2, 3, 32, 32))
        assert torch.equal(statistics, before) != moved


def test_an_unknown_mode():
    frozen = labeling_mode(torch.nn.Linear(1, 1), 'frozen')
    with pytest.raises(ValueError, match="'train', 'eval'.*got 'frozen'"), frozen:
        pass
