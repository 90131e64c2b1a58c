"""DUEB and FARCLUSS on vision transformers: UniMatch V2's network and schedule under another method."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_ssl.datasets import find_split, read_ids

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
NAME = re.compile(r'(?P<method>dueb|farcluss)_(?P<net>dinov3s|dinov2s)_(?P<data>[^_]+)_(?P<split>[^_]+)\.py')
CONFIGS = {path.name: path for path in sorted(FOLDER.glob('*/*.py')) if NAME.fullmatch(path.name)}
# lists, training list, classes, epochs, batch, crop by size of a patch
DATA = {
    'voc-classic': ('voc/classic/{}.txt', 'voc/trainaug.txt', 21, 60, 16, {14: 518, 16: 512}),
    'cityscapes': ('cityscapes/cps/{}.txt', 'cityscapes/train.txt', 19, 180, 8, {14: 798, 16: 800}),
    'ade20k': ('ade20k/{}_draw0.txt', 'ade20k/train.txt', 150, 60, 16, {14: 518, 16: 512}),
}


def test_every_dataset_is_there():
    said = {(found['method'], found['data']) for found in map(NAME.fullmatch, CONFIGS)}
    assert said == {(method, data) for method in ('dueb', 'farcluss') for data in DATA}


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_what_its_name_says(name):
    said, cfg = NAME.fullmatch(name), Config.fromfile(str(CONFIGS[name]), import_custom_modules=False)
    lists, train, classes, epochs, batch, crops = DATA[said['data']]
    model, loader = cfg.model, cfg.train_dataloader
    patch = dict(dinov2s=14, dinov3s=16)[said['net']]
    assert model.type == said['method'].upper()
    assert str(patch) in str(model.segmentor.backbone.get('patch_size', model.segmentor.backbone.get('model')))
    assert model.segmentor.decode_head.num_classes == classes and model.segmentor.decode_head.patch_size == patch
    assert tuple(model.data_preprocessor.size) == (crops[patch],) * 2
    assert model.data_preprocessor.test_cfg.size_divisor == patch
    assert loader.dataset.split == lists.format(said['split'])
    labeled, everything = (set(read_ids(find_split(file))) for file in (loader.dataset.split, train))
    assert labeled <= everything
    assert cfg.train_cfg.max_iters == epochs * (len(everything - labeled) // batch)
    assert cfg.auto_scale_lr.base_batch_size == batch and batch % loader.batch_size == 0
    factors = cfg.optim_wrapper.paramwise_cfg.custom_keys
    assert factors.decode_head.lr_mult == factors.side_heads.lr_mult == 40
    assert loader.dataset.unlabeled_per_labeled == dict(dueb=2, farcluss=1)[said['method']]
    hooks = {hook.type for hook in cfg.get('custom_hooks', [])}
    assert hooks >= dict(dueb=set(), farcluss={'MeanTeacherHook', 'UnsupRampHook'})[said['method']]
