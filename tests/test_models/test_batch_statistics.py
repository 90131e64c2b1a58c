"""Images that are normalized together, and those that the running statistics follow."""

import copy

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models.batch_statistics import separate_views


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def segmentor():
    """Without dropout, so that calls compare."""
    return tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0))


def build(batch_statistics):
    torch.manual_seed(0)
    return tiny.build('MeanTeacher', segmentor(), batch_statistics=batch_statistics)


def views():
    """Bright labeled images and dark unlabeled ones: their statistics differ by far."""
    torch.manual_seed(1)
    return torch.randn(2, 3, 32, 32) + 3, torch.randn(4, 3, 32, 32) - 3


def running(model):
    """Running means and variances of the student."""
    return {key: value.clone() for key, value in model.student.state_dict().items() if 'running' in key}


def test_merged_views_are_one_batch():
    model, (sup, weak) = build('merged'), views()
    state = copy.deepcopy(model.state_dict())
    first, second = model.predict_views(model.student, sup, weak)
    after = running(model)
    model.load_state_dict(state)
    together = model.student(torch.cat([sup, weak])).logits
    assert torch.equal(torch.cat([first.logits, second.logits]), together)
    assert all(torch.equal(after[key], value) for key, value in running(model).items())


def test_layers_that_are_computed_again_later_are_refused():
    """The second time all views would be normalized together: 2 % of the gradient, and one more update."""
    model, (sup, weak) = build('separate'), views()
    model.student.segmentor.backbone.with_cp = True
    with pytest.raises(NetworkError, match='with_cp=True .* take --checkpoint-activations'):
        model.predict_views(model.student, sup, weak)
    model.batch_statistics = 'merged'
    model.predict_views(model.student, sup, weak)


def test_the_mean_of_all_batches_leaves_other_views_out():
    """``momentum=None`` is the mean of the batches so far: of 1 and 4 it is 2.5, whatever lay between them."""
    norm = nn.BatchNorm2d(1, momentum=None)
    for value in (1.0, 4.0):
        with separate_views(norm, [2, 1, 1], [True, False, False]):
            norm(torch.tensor([value, value, 70.0, 80.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2))
    assert norm.running_mean == 2.5 and norm.num_batches_tracked == 2 and norm.momentum is None


@pytest.mark.parametrize('batch_statistics', ['separate', 'separate_unkept'])
def test_separate_views_are_normalized_as_by_calls_of_their_own(batch_statistics):
    """Values and gradients; the running statistics follow both calls, or the labeled one alone."""
    model, (sup, weak) = build(batch_statistics), views()
    state = copy.deepcopy(model.state_dict())
    preds = model.predict_views(model.student, sup, weak)
    sum(pred.logits.square().mean() for pred in preds).backward()
    found, after = [p.grad.clone() for p in model.student.parameters()], running(model)
    model.zero_grad()
    model.load_state_dict(state)
    expected = [model.student(sup)]
    kept = running(model) if batch_statistics == 'separate_unkept' else None
    expected.append(model.student(weak))
    sum(pred.logits.square().mean() for pred in expected).backward()
    for pred, own in zip(preds, expected):
        torch.testing.assert_close(pred.logits, own.logits)
    for grad, parameter in zip(found, model.student.parameters()):
        torch.testing.assert_close(grad, parameter.grad)
    for key, value in (kept or running(model)).items():
        torch.testing.assert_close(after[key], value)
    merged = build('merged')
    one, _ = merged.predict_views(merged.student, sup, weak)
    assert not torch.allclose(one.logits, preds[0].logits, atol=1e-3)


def test_views_without_labels_are_never_kept():
    model, (_, weak) = build('separate_unkept'), views()
    before = running(model)
    with torch.no_grad():
        model.predict_views(model.student, *weak.chunk(2), labeled=0)
    assert all(torch.equal(before[key], value) for key, value in running(model).items())


def test_a_network_in_eval_mode_sees_no_difference():
    model, (sup, weak) = build('separate'), views()
    model.eval()
    preds = model.predict_views(model.student, sup, weak)
    assert torch.equal(torch.cat([pred.logits for pred in preds]), model.student(torch.cat([sup, weak])).logits)


def test_layers_stay_what_they_are():
    """Names of weights, kinds, copies; also where the runner put in SyncBatchNorm, and after an error."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.SyncBatchNorm(4))
    keys = list(network.state_dict())
    with pytest.raises(RuntimeError, match='stop'), separate_views(network, [1, 1], [True, False]):
        raise RuntimeError('stop')
    assert list(network.state_dict()) == keys
    assert isinstance(network[1], nn.BatchNorm2d) and isinstance(network[2], nn.SyncBatchNorm)
    assert not network[1].view_sizes and network[1].momentum == 0.1
    twin = copy.deepcopy(network[:2])
    images = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(twin(images), network[:2](images))


def test_the_choice_is_checked():
    with pytest.raises(ValueError, match=r"batch_statistics must be one of .*'separate_unkept'.*got 'joint'"):
        build('joint')
