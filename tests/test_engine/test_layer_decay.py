"""Layer decay of a method's networks is the host's of the bare segmentor."""

import copy

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
from mmseg.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS

from mmseg_ssl.engine import LayerDecayConstructor
from mmseg_ssl.errors import NetworkError

WRAPPER = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.05))
BEIT = dict(type='BEiT', img_size=16, patch_size=8, embed_dims=8, num_layers=3, num_heads=2, mlp_ratio=1)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@MODELS.register_module()
class ToyConvNeXt(tiny.TinyBackbone):
    """Stages under the names of ConvNeXt's."""

    def __init__(self) -> None:
        super().__init__()
        self.downsample_layers = torch.nn.ModuleList(torch.nn.Linear(2, 2) for _ in range(4))
        self.stages = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Linear(2, 2)) for _ in range(4))


@MODELS.register_module()
class LayeredBackbone(tiny.TinyBackbone):
    """Says which layer is which, as mmpretrain's backbones do."""

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple:
        return (0 if param_name.startswith(f'{prefix}first') else 1), 3


def segmentor(backbone):
    return tiny.tiny_segmentor(backbone=backbone, decode_head=tiny.fcn_head(in_index=0))


def settings(optimizer, names):
    """Learning rate and decay of each parameter."""
    groups = [
        (group['lr'], group['weight_decay'], parameter)
        for group in optimizer.param_groups
        for parameter in group['params']
    ]
    return {names[parameter]: (pytest.approx(lr), decay) for lr, decay, parameter in groups}


def build(constructor, model, options):
    return constructor(copy.deepcopy(WRAPPER), copy.deepcopy(options))(model).optimizer


@pytest.mark.parametrize(
    ('backbone', 'options'),
    [
        (BEIT, dict(num_layers=3, decay_rate=0.9, decay_type='layer_wise')),
        (dict(type='ToyConvNeXt'), dict(num_layers=6, decay_rate=0.8, decay_type='layer_wise')),
        (dict(type='ToyConvNeXt'), dict(num_layers=4, decay_rate=0.8, decay_type='stage_wise')),
    ],
)
def test_rates_and_decays_are_mmsegs(backbone, options):
    """Of both networks; the side heads, which the bare segmentor has not, learn at the whole rate."""
    bare = MODELS.build(segmentor(backbone))
    names = {parameter: name for name, parameter in bare.named_parameters()}
    expected = settings(build(LearningRateDecayOptimizerConstructor, bare, options), names)
    model = tiny.build('DUEB', segmentor(backbone))
    names = {parameter: name for name, parameter in model.named_parameters()}
    optimizer = build(LayerDecayConstructor, model, options)
    ours = settings(optimizer, names)
    for network in ('conservative', 'progressive'):
        start = f'{network}.segmentor.'
        found = {name[len(start) :]: value for name, value in ours.items() if name.startswith(start)}
        assert found == expected
    assert len({rate.expected for rate, _ in expected.values()}) > 3
    assert ours['progressive.side_heads.variance.conv.weight'] == (0.01, 0.05)
    keys = [(group['lr'], group['weight_decay']) for group in optimizer.param_groups]
    assert len(keys) == len(set(keys)) < 20  # one group of each kind


def test_layers_of_the_backbone_itself_and_settings_by_name():
    """Of three layers 0.5 ** 2 and 0.5 of the rate; of two names the longer decides; the teacher is in no group."""
    model = tiny.build('MeanTeacher', segmentor(dict(type='LayeredBackbone')))
    names = {'decode_head': dict(lr_mult=10.0), 'decode_head.conv_seg': dict(lr_mult=2.0)}
    options = dict(layer_decay_rate=0.5, norm_decay_mult=0.0, custom_keys=names)
    optimizer = build(LayerDecayConstructor, model, options)
    found = settings(optimizer, {parameter: name for name, parameter in model.named_parameters()})
    assert found['student.segmentor.backbone.first.0.weight'] == (0.0025, 0.05)
    assert found['student.segmentor.backbone.first.1.weight'] == (0.0025, 0.0)
    assert found['student.segmentor.backbone.second.0.bias'] == (0.005, 0.05)
    assert found['student.segmentor.decode_head.convs.0.conv.weight'] == (0.1, 0.05)
    assert found['student.segmentor.decode_head.conv_seg.weight'] == (0.02, 0.05)
    assert set(found) == {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_unknown_layers_are_refused():
    model = tiny.build('Supervised')
    for options, reason in (
        (dict(decay_rate=0.9), 'no layers of TinyBackbone: it has no get_layer_depth'),
        (dict(decay_rate=0.9, num_layers=12), 'not of TinyBackbone. Drop num_layers'),
    ):
        with pytest.raises(NetworkError, match=reason):
            build(LayerDecayConstructor, model, options)


def test_a_config_finds_it():
    assert OPTIM_WRAPPER_CONSTRUCTORS.get('LayerDecayConstructor') is LayerDecayConstructor
