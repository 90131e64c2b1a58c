"""Backbones of mmpretrain that would pool are refused; their layers decay as in mmpretrain."""

import pytest
import tiny
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_networks import NETWORKS

from mmseg_ssl.engine import LayerDecayConstructor
from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models import Branch


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@MODELS.register_module()
class Pooling(tiny.TinyBackbone):
    """Has the attributes by which mmpretrain's backbones say that they classify."""

    def __init__(self, **attributes) -> None:
        super().__init__()
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ('attributes', 'fix'),
    [
        (dict(out_type='cls_token'), "Set backbone=dict(out_type='featmap')"),
        (dict(gap_before_final_norm=True), 'Set backbone=dict(gap_before_final_norm=False)'),
    ],
)
def test_a_pooled_backbone_is_refused_with_the_option_to_set(attributes, fix):
    with pytest.raises(NetworkError, match=fix.replace('(', r'\(').replace(')', r'\)')):
        Branch(tiny.tiny_segmentor(backbone=dict(type='Pooling', **attributes)))
    Branch(tiny.tiny_segmentor(backbone=dict(type='Pooling', out_type='featmap', gap_before_final_norm=False)))


@pytest.mark.skipif('mmpretrain ViT' not in NETWORKS, reason='mmpretrain is not installed')
@pytest.mark.parametrize(('network', 'option'), [('ViT', 'out_type'), ('ConvNeXt', 'gap_before_final_norm')])
def test_mmpretrains_defaults_pool(network, option):
    config = NETWORKS[f'mmpretrain {network}']()
    config.backbone.pop(option)
    with pytest.raises(NetworkError, match=f'{network if network == "ConvNeXt" else "VisionTransformer"} has {option}'):
        Branch(config)


@pytest.mark.skipif('mmpretrain ViT' not in NETWORKS, reason='mmpretrain is not installed')
@pytest.mark.parametrize('network', ['ViT', 'ConvNeXt'])
def test_rates_and_decays_are_mmpretrains(network):
    from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor

    wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.05))
    options = dict(layer_decay_rate=0.7, norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0)
    options.update(custom_keys={'.pos_embed': dict(decay_mult=0.0)})
    model = tiny.build('Supervised', NETWORKS[f'mmpretrain {network}']())
    bare = model.student.segmentor
    bare.get_layer_depth = lambda name: bare.backbone.get_layer_depth(name, 'backbone.')
    names = {parameter: name for name, parameter in model.named_parameters()}

    def settings(constructor, of):
        optimizer = constructor(dict(wrapper, optimizer=dict(wrapper['optimizer'])), dict(options))(of).optimizer
        return {
            names[parameter]: (round(group['lr'], 9), group['weight_decay'])
            for group in optimizer.param_groups
            for parameter in group['params']
        }

    assert settings(LayerDecayConstructor, model) == settings(LearningRateDecayOptimWrapperConstructor, bare)
    assert len(set(settings(LayerDecayConstructor, model).values())) > 4
