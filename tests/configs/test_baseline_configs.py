"""Configs of the baselines: each what its name says, with its paper's schedule."""

import importlib.util
import re
from pathlib import Path

import pytest
import tiny
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import HOOKS, MODELS
from test_configs import NETWORKS, depth

from mmseg_ssl import targets
from mmseg_ssl.datasets import find_split, read_ids

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
METHODS = dict(
    cutmix_seg='CutMixSeg', cps='CPS', fixmatch='FixMatch', unimatch_v1='UniMatchV1', unimatch_v2='UniMatchV2'
)
CONFIGS = {path.name: path for method in METHODS for path in sorted((FOLDER / method).glob('*.py'))}
NAME = re.compile(
    r'(?P<method>cutmix_seg|cps|fixmatch|unimatch_v1|unimatch_v2)_(?P<net>mbv2|r50|r101|dinov2s|dinov2b|dinov3s|convnextt)_'
    r'(?P<data>camvid|msrc21|voc|voc-classic|voc-u2pl|cityscapes|ade20k)_(?P<split>[^_]+?)'
    r'(_(?P<variant>cutmix-off|located|release|threshold-adaptive|fuzzy))?\.py'
)
OF_CPU = ('camvid', 'msrc21')  # with our own schedules
CPS_LISTS = ('1-16', '1-8', '1-4', '1-2')
SPLITS = {
    'camvid': ('8', '1-16', '1-8', '1-4'),
    'msrc21': ('20', '40'),
    'voc': CPS_LISTS,
    'voc-classic': ('92', '183', '366', '732', '1464'),
    'voc-u2pl': ('662', '1323', '2646', '5291'),
    'cityscapes': CPS_LISTS,
}
LISTS = {
    'camvid': 'camvid/{}_draw0.txt',
    'msrc21': 'msrc21/{}_draw0.txt',
    'voc': 'voc/cps/{}.txt',
    'voc-classic': 'voc/classic/{}.txt',
    'voc-u2pl': 'voc/u2pl/{}.txt',
    'cityscapes': 'cityscapes/cps/{}.txt',
    'ade20k': 'ade20k/{}_draw0.txt',
}
CPS_EPOCHS = {
    'voc': dict(zip(CPS_LISTS, (32, 34, 40, 60))),
    'voc-u2pl': dict(zip(SPLITS['voc-u2pl'], (32, 34, 40, 60))),
    'voc-classic': dict.fromkeys(SPLITS['voc-classic'], 32),
    'cityscapes': dict(zip(CPS_LISTS, (128, 137, 160, 240))),
}
# papers/: epochs, batch, crop, optimizer and its rate, factor of the head's
RECIPES = {
    ('cps', 'voc'): (None, 16, (512, 512), 'SGD', 0.005, 1),
    ('cps', 'voc-classic'): (None, 16, (512, 512), 'SGD', 0.005, 1),
    ('cps', 'voc-u2pl'): (None, 16, (512, 512), 'SGD', 0.005, 1),
    ('cps', 'cityscapes'): (None, 16, (800, 800), 'SGD', 0.04, 1),
    ('unimatch_v1', 'voc'): (80, 8, (321, 321), 'SGD', 0.001, 10),
    ('unimatch_v1', 'voc-classic'): (80, 8, (321, 321), 'SGD', 0.001, 10),
    ('unimatch_v1', 'voc-u2pl'): (80, 8, (513, 513), 'SGD', 0.001, 10),
    ('unimatch_v1', 'cityscapes'): (240, 8, (801, 801), 'SGD', 0.005, 1),
    ('dinov2', 'voc-classic'): (60, 16, (518, 518), 'AdamW', 5e-6, 40),
    ('dinov2', 'cityscapes'): (180, 8, (798, 798), 'AdamW', 5e-6, 40),
    ('dinov3', 'voc-classic'): (60, 16, (512, 512), 'AdamW', 5e-6, 40),
    ('dinov3', 'cityscapes'): (180, 8, (800, 800), 'AdamW', 5e-6, 40),
    ('dinov3', 'ade20k'): (60, 16, (512, 512), 'AdamW', 5e-6, 40),
    ('convnextt', 'voc-classic'): (60, 16, (512, 512), 'AdamW', 5e-6, 40),
    ('cutmix_seg', 'voc'): (None, 10, (321, 321), 'Adam', 1e-5, 1),
    ('cutmix_seg', 'voc-classic'): (None, 10, (321, 321), 'Adam', 1e-5, 1),
    ('cutmix_seg', 'voc-u2pl'): (None, 10, (321, 321), 'Adam', 1e-5, 1),
    ('cutmix_seg', 'cityscapes'): (None, 4, (256, 512), 'Adam', 3e-5, 1),
}
# differs from another config by the network's name alone, which is checked as text: parsing is slow
LARGER = {'_r101_': '_r50_', '_dinov2b_': '_dinov2s_'}
TWINS = {
    name: twin
    for name in CONFIGS
    for larger, smaller in LARGER.items()
    if larger in name and (twin := name.replace(larger, smaller)) in CONFIGS
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def parse(name: str) -> Config:
    """Without the imports: mmpretrain is optional."""
    return Config.fromfile(str(CONFIGS[name]), import_custom_modules=False)


def test_every_table_is_there():
    for method in METHODS:
        wanted = {
            f'{method}_{net}_{data}_{split}.py'
            for data in SPLITS
            for net in (('mbv2',) if data in OF_CPU else ('r50', 'r101'))
            for split in SPLITS[data]
        }
        assert wanted <= set(CONFIGS)
    for net in ('dinov2s', 'dinov2b', 'dinov3s'):
        for data in ('voc-classic', 'cityscapes'):
            assert {f'unimatch_v2_{net}_{data}_{split}.py' for split in SPLITS[data]} <= set(CONFIGS)


@pytest.mark.parametrize('name', TWINS)
def test_a_larger_network_changes_its_name_alone(name):
    text = CONFIGS[name].read_text()
    for larger, smaller in {**LARGER, '_r101-': '_r50-', '_dinov2-b.': '_dinov2-s.'}.items():
        text = text.replace(larger, smaller)
    assert text == CONFIGS[TWINS[name]].read_text() and text != CONFIGS[name].read_text()


# a foreign teacher's config has the teacher's crops; test_teacher_configs.py steps it
@pytest.mark.parametrize('name', [name for name in CONFIGS if name not in TWINS and not name.endswith('-teacher.py')])
def test_a_config_is_what_its_name_says(name):
    said, cfg = NAME.fullmatch(name).groupdict(), parse(name)
    method, data, split, variant = said['method'], said['data'], said['split'], said['variant']
    model, dataset = cfg.model, cfg.train_dataloader.dataset
    assert CONFIGS[name].parent.name == method
    assert len(CONFIGS[name].read_text().splitlines()) <= 15
    assert depth(CONFIGS[name]) <= 3
    assert model.type == ('LocatedCPS' if variant == 'located' else METHODS[method])
    backbone = model.segmentor.backbone
    if said['net'].startswith('dinov2'):
        assert backbone.arch == {'s': 'dinov2-small', 'b': 'base'}[said['net'][-1]]
        assert 'mmpretrain.models' in cfg.custom_imports.imports
    elif said['net'] == 'dinov3s':
        assert backbone.model.startswith('facebook/dinov3-vits16')
    elif said['net'] == 'convnextt':
        assert backbone.model_name.startswith('convnext_tiny')
    else:
        assert (backbone.type, backbone.get('depth')) == NETWORKS[said['net']]
    classes = dict(camvid=11, cityscapes=19, ade20k=150).get(data, 21)
    assert model.segmentor.decode_head.num_classes == classes
    assert dataset.split == LISTS[data].format(split) and read_ids(find_split(dataset.split))
    mixes_two = method == 'cutmix_seg' or (method == 'cps' and variant != 'cutmix-off')
    assert dataset.unlabeled_per_labeled == (2 if mixes_two else 1)
    strong = model.data_preprocessor.get('strong') or {}
    made = {'strong'} if 'type' in strong else set(strong)
    cls = MODELS.get(model.type)
    assert made == set(cls.views) - {'sup', 'weak'}
    hooks = {hook.type: hook for hook in cfg.get('custom_hooks', [])}
    assert ('MeanTeacherHook' in hooks) == ('teacher' in cls.networks)
    assert ('UnsupRampHook' in hooks) == (data in OF_CPU)
    if method == 'unimatch_v2':
        assert hooks['MeanTeacherHook'].momentum == pytest.approx(1 - 0.996)
    if method == 'cutmix_seg':
        assert hooks['MeanTeacherHook'].momentum == pytest.approx(1 - 0.99)
    check_options(cfg.model, said)
    if data not in OF_CPU:
        check_recipe(cfg, said)


def check_options(model: dict, said: dict) -> None:
    """Check what a variant changes, and what the papers set by the data."""
    if said['method'] == 'cps':
        mixed, city = said['variant'] != 'cutmix-off', said['data'] in ('cityscapes', 'camvid')
        assert (model.cutmix is not None) == mixed
        assert model.unsup_weight == ((5 if city else 1) if mixed else (6 if city else 1.5))
    adaptive = isinstance(model.get('threshold'), dict)
    assert adaptive == (said['variant'] == 'threshold-adaptive')
    if said['variant'] is None and said['method'] in ('fixmatch', 'unimatch_v1'):
        assert model.threshold == (0.95 if said['data'].startswith('voc') else 0.0)
    if said['variant'] is None and said['method'] == 'unimatch_v2':
        assert model.get('threshold', 0.95) == (0.0 if said['data'] == 'msrc21' else 0.95)


def check_recipe(cfg: Config, said: dict) -> None:
    """The paper's schedule, its length from the lists themselves."""
    method, data, split = said['method'], said['data'], said['split']
    own = next((net for net in ('dinov2', 'dinov3', 'convnextt') if said['net'].startswith(net)), None)
    key = own or method if own or method in ('cps', 'cutmix_seg') else 'unimatch_v1'
    epochs, batch, crop, optimizer, rate, factor = RECIPES[key, data]
    labeled = set(read_ids(find_split(cfg.train_dataloader.dataset.split)))
    everything = set(read_ids(find_split('voc/trainaug.txt' if data.startswith('voc') else f'{data}/train.txt')))
    assert labeled <= everything
    unlabeled = len(everything) - len(labeled)
    iters = 40000
    if key == 'cps':  # CPS's code counts the larger side of the two
        keep = data == 'voc-classic'
        count = len(everything) if keep else max(len(labeled), unlabeled)
        iters = CPS_EPOCHS[data][split] * (count // batch)
        assert cfg.train_dataloader.dataset.unlabeled.get('exclude') == ('' if keep else None)
    elif epochs:
        iters = epochs * (unlabeled // batch)
        assert cfg.train_dataloader.dataset.unlabeled.get('exclude') is None
    assert cfg.train_cfg.max_iters == iters
    assert batch % cfg.train_dataloader.batch_size == 0
    assert cfg.get('auto_scale_lr', {}).get('base_batch_size', cfg.train_dataloader.batch_size) == batch
    assert tuple(cfg.model.data_preprocessor.size) == tuple(cfg.crop_size) == crop
    assert (cfg.optim_wrapper.optimizer.type, cfg.optim_wrapper.optimizer.lr) == (optimizer, rate)
    heads = cfg.optim_wrapper.get('paramwise_cfg', {}).get('custom_keys', {})
    assert heads.get('decode_head', {}).get('lr_mult', 1) == factor
    if cfg.param_scheduler is not None:
        assert 'end' not in cfg.param_scheduler and cfg.param_scheduler.power == 0.9
    if said['net'].startswith('dino'):
        assert all(side % (14 if own == 'dinov2' else 16) == 0 for side in crop)


@pytest.mark.parametrize(
    'name',
    [
        *(f'{method}_mbv2_camvid_8.py' for method in METHODS),
        *(f'{method}_r101_voc_1-8.py' for method in METHODS),
        *(f'{method}_r50_cityscapes_1-2.py' for method in METHODS),
        'cps_r50_voc_1-8_located.py',
        'cps_r50_cityscapes_1-8_cutmix-off.py',
        'unimatch_v1_r101_voc-classic_92_threshold-adaptive.py',
        'unimatch_v1_r50_voc-u2pl_662.py',
    ],
)
def test_a_model_builds_offline(name):
    """On the meta device, with its hooks."""
    cfg = parse(name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert model.branch(model.predictors[0]).num_classes == cfg.model.segmentor.decode_head.num_classes
    for hook in cfg.get('custom_hooks', []):
        HOOKS.build(hook)


@pytest.mark.skipif('fuzzy_topk' not in targets.__all__, reason='fuzzy_topk is not there')
def test_fuzzy_labels_are_a_config():
    model = MODELS.build(parse('unimatch_v2_mbv2_camvid_8_fuzzy.py').model)
    target = model.labels.target(torch.rand(1, 11, 2, 2).softmax(dim=1))
    assert target.label.shape == (1, 11, 2, 2) and (target.label > 0).sum(dim=1).max() <= 3


def vit(width: int) -> dict:
    """The host's ViT in the place of mmpretrain's: the same patches and four levels, of any width."""
    return dict(
        type='VisionTransformer',
        img_size=(28, 28),
        patch_size=14,
        embed_dims=width,
        num_layers=4,
        num_heads=2,
        mlp_ratio=1,
        out_indices=(0, 1, 2, 3),
    )


def train_and_predict(cfg, width: int) -> None:
    """All but the encoder is the config's: DPT's head, its preprocessor, both views, the dropout of the four maps; and
    a test image that no patch divides comes back in its own size.
    """
    cfg.data_preprocessor.size = (42, 42)
    cfg.threshold = 0.0
    model = MODELS.build(cfg)
    model.teacher.start(model.student)
    data = model.data_preprocessor(tiny.batch(size=42), True)
    losses = model(**data, mode='loss')
    assert all(losses[f'unsup.{view}.loss_pseudo'] > 0 for view in ('strong1', 'strong2'))
    feats = model.student(data['inputs']['sup']).feats
    assert [tuple(level.shape[1:]) for level in feats] == [(width, 3, 3)] * 4
    image, sample = torch.randint(0, 256, (3, 50, 61), dtype=torch.uint8), tiny.sample(0, ori_shape=(50, 61))
    data = model.data_preprocessor(dict(inputs=[image], data_samples=[sample]), False)
    assert data['inputs'].shape[2:] == (56, 70)
    (result,) = model.eval().predict(data['inputs'], data['data_samples'])
    assert result.pred_sem_seg.data.shape == (1, 50, 61)


def test_dinov2_configs_train_and_predict_with_a_small_vit():
    cfg = parse('unimatch_v2_dinov2s_voc-classic_183.py').model
    cfg.segmentor.backbone = vit(384)
    train_and_predict(cfg, width=384)


@pytest.mark.skipif(not importlib.util.find_spec('mmpretrain'), reason='mmpretrain is not installed')
@pytest.mark.parametrize(('size', 'width'), [('s', 384), ('b', 768)])
def test_dinov2_configs_train_and_predict(size, width):
    train_and_predict(Config.fromfile(str(CONFIGS[f'unimatch_v2_dinov2{size}_voc-classic_183.py'])).model, width)
