"""A checkpoint that does not fit is refused, with what is missing, what it holds and why that may be."""

import copy

import pytest
import tiny
import torch
from mmseg.registry import MODELS

from mmseg_ssl.models import SemiTTAModel
from mmseg_ssl.utils.weights import WeightsError, load_weights


def plain(**head):
    segmentor = tiny.tiny_segmentor()
    segmentor.decode_head.update(head)
    return MODELS.build(segmentor)


@pytest.fixture
def model():
    return tiny.build('MeanTeacher', predict_on=('student', 'teacher'))


def changed(model, before):
    return {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}


@pytest.mark.parametrize('use', ['predict', 'train'])
@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize('nested', [True, False])
def test_plain_weights_go_into_every_network(model, use, prefix, nested):
    weights = {prefix + key: value for key, value in plain().state_dict().items()}
    load_weights(model, dict(state_dict=weights, meta={}) if nested else weights, 'a.pth', use)
    for name in ('student', 'teacher'):
        own = model.branch(name).segmentor.state_dict()
        assert all(torch.equal(own[key], weights[prefix + key]) for key in own)


@pytest.mark.parametrize('wrapped', [False, True])
def test_another_network_is_refused(model, wrapped):
    before = copy.deepcopy(model.state_dict())
    other = {'encoder.conv1.weight': torch.zeros(3, 3)}
    for use in ('predict', 'train', 'resume'):
        with pytest.raises(WeightsError) as error:
            load_weights(SemiTTAModel(model) if wrapped else model, other, 'o.pth', use)
        assert 'o.pth' in str(error.value) and 'encoder.conv1.weight' in str(error.value)
        assert 'another network' in str(error.value)
    load_weights(model, other, 'o.pth', 'predict', allow_missing=True)
    assert not changed(model, before)


def test_one_weight_less_is_too_few_to_predict_and_enough_to_train(model):
    weights = plain().state_dict()
    del weights['decode_head.conv_seg.bias']
    load_weights(model, weights, 'a.pth', 'train')
    with pytest.raises(WeightsError, match=r'lacks 2 of the \d+ .* student.segmentor.decode_head.conv_seg.bias'):
        load_weights(model, weights, 'a.pth', 'predict')


def test_a_head_of_other_classes(model, capsys):
    """Training starts the head anew and says so; a test is refused, and the message names the number of classes."""
    weights, before = plain(num_classes=19).state_dict(), copy.deepcopy(model.state_dict())
    load_weights(model, weights, 'c.pth', 'train')
    fresh = {key for key in before if 'conv_seg' in key}
    assert changed(model, before).isdisjoint(fresh)
    name = 'teacher.network.segmentor.backbone.first.0.weight'
    assert torch.equal(model.state_dict()[name], weights['backbone.first.0.weight'])
    with pytest.raises(WeightsError, match=r'another number of classes.*\[19.* there, \[4'):
        load_weights(model, weights, 'c.pth', 'predict')


def test_what_does_not_predict_may_be_missing():
    """Auxiliary and side heads, a count of BatchNorm; but not a judge whose map is asked for."""
    weights = {key: value for key, value in plain().state_dict().items() if 'num_batches_tracked' not in key}
    load_weights(tiny.build('DUEB', tiny.tiny_segmentor(auxiliary=True)), weights, 'a.pth', 'predict')
    load_weights(tiny.build('ELNWarmup'), weights, 'a.pth', 'predict')
    with pytest.raises(WeightsError, match=r'such as localizer\.'):
        load_weights(tiny.build('ELNWarmup', predict_correctness=True), weights, 'a.pth', 'predict')


def test_only_networks_that_predict_count():
    supervised = tiny.build('Supervised').state_dict()
    load_weights(tiny.build('MeanTeacher', predict_on='student'), supervised, 's.pth', 'predict')
    with pytest.raises(WeightsError, match='it has no teacher.*--predict-on student'):
        load_weights(tiny.build('MeanTeacher', predict_on='teacher'), supervised, 's.pth', 'predict')


@pytest.mark.parametrize(
    'weights, cause',
    [
        (lambda: tiny.build('CPCL').state_dict(), 'a method with the networks conservative, progressive'),
        (lambda: {f'model.{key}': value for key, value in plain().state_dict().items()}, "begin with 'model.'"),
        (lambda: dict(model=plain().state_dict()), "inside the entry 'model'"),
        (lambda: plain().backbone.state_dict(), 'a backbone alone'),
        (lambda: MODELS.build(wider()).state_dict(), 'another size'),
    ],
)
def test_likely_causes(model, weights, cause):
    with pytest.raises(WeightsError, match=cause):
        load_weights(model, weights(), 'a.pth', 'predict')


def wider():
    segmentor = tiny.tiny_segmentor()
    segmentor.backbone.channels = segmentor.decode_head.in_channels = 12
    return segmentor


def test_plain_models_and_odd_files(model):
    with pytest.raises(WeightsError, match='plain mmseg.*export_segmentor'):
        load_weights(plain(), model.state_dict(), 'a.pth', 'predict')
    with pytest.raises(WeightsError, match='holds a list'):
        load_weights(model, [1], 'a.pth', 'predict')
    auxiliary = MODELS.build(tiny.tiny_segmentor(auxiliary=True))
    load_weights(auxiliary, plain().state_dict(), 'a.pth', 'predict')


def test_to_resume_everything_is_needed(model):
    weights = model.state_dict()
    load_weights(model, weights, 'a.pth', 'resume')
    del weights['teacher.network.segmentor.decode_head.conv_seg.bias']
    with pytest.raises(WeightsError, match='needs to resume'):
        load_weights(model, weights, 'a.pth', 'resume')
