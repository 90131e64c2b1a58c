"""Hugging Face's vision transformers as backbones, on models with random weights that were saved to a folder."""

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_networks import hugging_face, saved_model

from mmseg_ssl.engine import LayerDecayConstructor
from mmseg_ssl.errors import NetworkError

transformers = pytest.importorskip('transformers')
KINDS = ('DINOv2', 'DINOv3', 'SigLIP2')
every_kind = pytest.mark.parametrize('kind', KINDS)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(kind, **options):
    options.setdefault('out_indices', (1, 3))
    return MODELS.build(dict(type='HuggingFaceBackbone', model=saved_model(kind), **options))


@every_kind
def test_levels_are_the_hidden_states_under_the_last_norm(kind):
    """Behind class and register tokens, at any size of whole patches; the last level is what the model itself gives."""
    backbone = build(kind).eval()
    images = torch.randn(2, 3, 40, 24)
    levels = backbone(images)
    assert [tuple(level.shape) for level in levels] == [(2, 16, 5, 3)] * 2
    options = dict(interpolate_pos_encoding=True) if kind == 'SigLIP2' else {}
    whole = backbone.model(images, output_hidden_states=True, **options)
    last = whole.last_hidden_state[:, -15:].transpose(1, 2).reshape(2, 16, 5, 3)
    torch.testing.assert_close(levels[1], last)
    plain = build(kind, final_norm=False).eval()(images)
    torch.testing.assert_close(plain[0], whole.hidden_states[2][:, -15:].transpose(1, 2).reshape(2, 16, 5, 3))


@pytest.mark.parametrize('kind', ['DINOv2', 'DINOv3'])
def test_class_tokens(kind):
    backbone = build(kind, with_cls_token=True).eval()
    (_, first), (level, token) = backbone(torch.randn(2, 3, 16, 16))
    assert level.shape == (2, 16, 2, 2) and token.shape == first.shape == (2, 16)
    images = torch.randn(1, 3, 16, 16)
    torch.testing.assert_close(backbone(images)[1][1], backbone.model(images).last_hidden_state[:, 0])


def test_weights_are_read_and_initializing_leaves_them():
    """The method's ``init_weights`` reaches every module; a pretrained model must come out of it as it was."""
    model = tiny.build('MeanTeacher', hugging_face('DINOv2'))  # it calls init_weights
    saved = transformers.AutoModel.from_pretrained(saved_model('DINOv2')).state_dict()
    for network in (model.student, model.teacher.network):
        for key, value in network.segmentor.backbone.model.state_dict().items():
            assert torch.equal(value, saved[key]), key
    drawn = build('DINOv2', pretrained=False).model.state_dict()
    assert not torch.equal(drawn['encoder.layer.0.mlp.fc1.weight'], saved['encoder.layer.0.mlp.fc1.weight'])


@every_kind
def test_every_trained_weight_gets_a_gradient_and_a_frozen_one_none(kind):
    backbone = build(kind).train()
    sum(level.sum() for level in backbone(torch.randn(1, 3, 16, 16, requires_grad=True))).backward()
    missing = [name for name, value in backbone.named_parameters() if value.requires_grad and value.grad is None]
    assert not missing
    frozen = build(kind, frozen=True).train()
    assert not frozen.training and not frozen.model.training
    assert not any(value.requires_grad for value in frozen.parameters())
    assert not frozen(torch.randn(1, 3, 16, 16))[0].requires_grad


def test_blocks_behind_the_last_level_are_not_built():
    assert build('DINOv3', out_indices=(0, 1)).num_layers == 2


@every_kind
def test_layer_decay(kind):
    """Of 4 blocks there are 6 layers: stem 0.5 ** 5, block 0 0.5 ** 4, ... block 3 0.5, the last norm and heads 1."""
    model = tiny.build('Supervised', hugging_face(kind))
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1.0))
    optimizer = LayerDecayConstructor(wrapper, dict(layer_decay_rate=0.5))(model).optimizer
    rates = {name: group['lr'] for group in optimizer.param_groups for name in group['param_names']}
    backbone = {name: rate for name, rate in rates.items() if '.backbone.' in name}
    for name, rate in backbone.items():
        block = next((int(part) for part in name.split('.') if part.isdigit()), None)
        expected = 0.5 ** (4 - block) if block is not None else 0.5**5 if 'embeddings' in name else 1.0
        assert rate == expected, name
    assert set(backbone.values()) == {0.5**5, 0.5**4, 0.5**3, 0.5**2, 0.5, 1.0}
    assert rates['student.segmentor.decode_head.conv_seg.weight'] == 1.0


def test_errors(tmp_path, monkeypatch):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    with pytest.raises(NetworkError, match='patches of 8, got images of 20x16. Set crop_size to multiples of 8'):
        build('DINOv2')(torch.randn(1, 3, 20, 16))
    with pytest.raises(NetworkError, match='has no class token: set with_cls_token=False'):
        build('SigLIP2', with_cls_token=True)(torch.randn(1, 3, 16, 16))
    with pytest.raises(NetworkError, match='out_indices name block 11'):
        build('DINOv2', out_indices=(11,))
    with pytest.raises(NetworkError, match='found no model some/name, .* hf download some/name'):
        MODELS.build(dict(type='HuggingFaceBackbone', model='some/name'))
    transformers.Siglip2VisionModel(
        transformers.Siglip2VisionConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    ).save_pretrained(tmp_path)
    with pytest.raises(NetworkError, match='Of SigLIP2 take a checkpoint of one resolution'):
        MODELS.build(dict(type='HuggingFaceBackbone', model=str(tmp_path)))


def test_a_folder_of_weights_comes_before_the_hub(tmp_path, monkeypatch):
    (tmp_path / 'data' / 'weights').mkdir(parents=True)
    (tmp_path / 'data' / 'weights' / 'dinov2-tiny').symlink_to(saved_model('DINOv2'))
    monkeypatch.chdir(tmp_path)
    assert MODELS.build(dict(type='HuggingFaceBackbone', model='nobody/dinov2-tiny', out_indices=(0,))).num_layers == 1
