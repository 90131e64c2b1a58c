"""ELN's configs: the rows of its tables, each what its name says."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import HOOKS, METRICS, MODELS

from mmseg_ssl.apis.network import pipeline_of_images
from mmseg_ssl.datasets import find_split, read_ids
from mmseg_ssl.engine.run_length import to_iteration
from mmseg_ssl.tooling.cli import load_config

FOLDER = Path(__file__).resolve().parents[2] / 'configs' / 'eln'
CONFIGS = {path.name: path for path in sorted(FOLDER.glob('*.py'))}
NAME = re.compile(r'eln_(mbv2|r50|r101)_(camvid|msrc21|voc-eln|cityscapes-eln)_([^_]+)(_.+)?\.py')
SPLITS = {
    'camvid': ('8', '1-16', '1-8', '1-4'),
    'msrc21': ('20', '40'),
    'voc-eln': ('1-20', '1-8', '1-4'),
    'cityscapes-eln': ('1-8', '1-4', '1-2'),
}
CLASSES = {'camvid': 11, 'msrc21': 21, 'voc-eln': 21, 'cityscapes-eln': 19}
RELEASED_CONTRAST = dict(windows=8, positives='log_sum', anchors='teacher')
ABLATIONS = [
    *(
        'decoders-0',
        'decoders-1',
        'decoders-3',
        'filter-confidence',
        'filter-correction',
        'loss-contrast',
        'loss-pseudo',
        'contrast-sum',
    ),
    *('stage1', 'stage2'),
]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def test_every_row_of_the_tables_is_there():
    nets = {'camvid': ('mbv2',), 'msrc21': ('mbv2',), 'voc-eln': ('r50', 'r101'), 'cityscapes-eln': ('r50', 'r101')}
    rows = {f'eln_{net}_{data}_{split}.py' for data in SPLITS for net in nets[data] for split in SPLITS[data]}
    rows |= {f'eln_r50_voc-eln_1-20_{name}.py' for name in ABLATIONS}
    rows |= {f'eln_mbv2_camvid_{split}_filter-confidence.py' for split in ('8', '1-16')}
    assert rows <= set(CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_what_its_name_says(name):
    net, data, split, variant = NAME.fullmatch(name).groups()
    assert len(CONFIGS[name].read_text().splitlines()) <= 15
    cfg = load_config(str(CONFIGS[name]), None)
    model, hooks = cfg.model, {hook.type: hook for hook in cfg.custom_hooks}
    assert model.type == ('ELNWarmup' if variant == '_stage1' else 'ELN')
    backbone = model.segmentor.backbone
    assert (backbone.type, backbone.get('depth')) == {
        'mbv2': ('MobileNetV2', None),
        'r50': ('ResNetV1c', 50),
        'r101': ('ResNetV1c', 101),
    }[net]
    assert model.segmentor.decode_head.num_classes == CLASSES[data]
    if variant not in ('_filter-confidence', '_filter-correction'):
        assert model.localizer.type == 'ErrorLocalizer'
    if variant != '_filter-confidence':
        assert (model.localizer.backbone.type == 'MobileNetV2') == (net == 'mbv2')
        alphas = {'_decoders-0': (), '_decoders-1': (20,), '_decoders-3': (20, 50, 100)}.get(
            variant, (1.5, 3) if net == 'mbv2' else (20, 50)
        )
        assert tuple(model.slack) == alphas

    folder = data.replace('-eln', '/eln')
    for draw in (0, 1, 2):  # the other draws are one option away
        assert read_ids(find_split(f'{folder}/{split}_draw{draw}.txt'))
    assert cfg.train_dataloader.dataset.split == f'{folder}/{split}_draw0.txt'

    starts = hooks['ELNStageHook'].starts
    assert max(starts.values()) < 1  # shares of the run
    if variant == '_stage1':
        assert set(starts) == {'pretrain', 'warmup'} and cfg.train_dataloader.dataset.unlabeled is None
        return
    strong = model.data_preprocessor.strong
    assert strong.blur_prob == 0 and strong.get('grayscale_prob', 0.2) == 0.2
    assert hooks['MeanTeacherHook'].warmup is False
    assert set(starts) == ({'semi'} if variant == '_stage2' else {'pretrain', 'warmup', 'semi'})
    if net != 'mbv2' and variant != '_stage2':  # papers/eln: epochs of 266 iterations
        before, localizer = dict(voc=(70, 50), cityscapes=(100, 58))[data.split('-')[0]]
        assert cfg.train_cfg.max_iters == 500 * 266
        iterations = {name: to_iteration(start, 500 * 266) for name, start in starts.items()}
        assert iterations == dict(pretrain=0, warmup=266 * before, semi=266 * (before + localizer))
        assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=1e-4, weight_decay=1e-5)
        assert hooks['MeanTeacherHook'].momentum == 0.005
        rates = cfg.optim_wrapper.get('paramwise_cfg', {})  # one for all in the paper, two in its public code
        assert rates == (dict(custom_keys=dict(backbone=dict(lr_mult=0.1))) if variant == '_release' else {})
        assert model.segmentor.decode_head.type == 'TwoLayerASPPHead'
        assert variant == '_filter-confidence' or model.localizer.decode_head.type == 'TwoLayerASPPHead'
        form = dict(positives='sum') if variant == '_contrast-sum' else RELEASED_CONTRAST
        assert model.contrast == form and model.get('contrast_weight', 1) == (
            0 if variant in ('_filter-confidence', '_loss-pseudo') else 1
        )


@pytest.mark.parametrize('name', ['eln_r50_voc-eln_1-20.py', 'eln_r50_voc-eln_1-20_filter-confidence.py'])
def test_the_paper_s_grid_and_thresholds(name):
    """VOC is scored at 512x512, and an error is what the training would reject."""
    cfg = load_config(str(CONFIGS[name]), None)
    steps = [step.type for step in cfg.test_dataloader.dataset.pipeline]
    assert steps.index('LoadAnnotations') < steps.index('Resize') < steps.index('ScoreAtThisSize')
    assert cfg.val_dataloader.dataset.pipeline == cfg.test_dataloader.dataset.pipeline
    assert [step['type'] for step in pipeline_of_images(cfg)] == [one for one in steps if one != 'ScoreAtThisSize']
    judged = next(metric for metric in cfg.test_evaluator if metric.type == 'ErrorLocalizationMetric')
    assert judged.get('threshold', 0.5) == cfg.model.get('threshold', 0.5)


BASELINES = {path.name: path for path in sorted((FOLDER.parent / 'supervised').glob('*-eln_*.py'))}


def test_the_baselines_of_tables_1_and_2_are_there():
    rows = {
        f'supervised_{net}_voc-eln_{split}.py' for net in ('r50', 'r101') for split in ('1-20', '1-8', '1-4', 'full')
    }
    assert set(BASELINES) == rows | {
        f'supervised_r50_cityscapes-eln_{split}.py' for split in ('1-8', '1-4', '1-2', 'full')
    }


@pytest.mark.parametrize('name', BASELINES)
def test_a_baseline_is_eln_without_what_is_not_labeled(name):
    """Network, data, crop and schedule are those of the row above it in the table; nothing else trains."""
    net, data, split = re.fullmatch(r'supervised_(r50|r101)_([a-z]+-eln)_(.+)\.py', name).groups()
    cfg = load_config(str(BASELINES[name]), None)
    first = SPLITS[data][0]
    eln = load_config(str(CONFIGS[f'eln_{net}_{data}_{split if split != "full" else first}.py']), None)
    assert len(BASELINES[name].read_text().splitlines()) <= 15
    assert cfg.model.type == 'Supervised' and cfg.custom_hooks == []
    assert cfg.model.segmentor == eln.model.segmentor
    assert cfg.model.data_preprocessor.size == eln.model.data_preprocessor.size
    assert (cfg.optim_wrapper, cfg.train_cfg) == (eln.optim_wrapper, eln.train_cfg)
    loader, theirs = cfg.train_dataloader, eln.train_dataloader
    assert loader.dataset.labeled == theirs.dataset.labeled and loader.batch_size == theirs.batch_size
    assert loader.dataset.unlabeled is None and loader.dataset.unlabeled_per_labeled == 0
    everything = dict(voc='voc/trainaug.txt', cityscapes='cityscapes/train.txt')[data.split('-')[0]]
    assert loader.dataset.split == (everything if split == 'full' else theirs.dataset.split)
    assert read_ids(find_split(loader.dataset.split))


@pytest.mark.parametrize(
    'name',
    [
        'eln_r50_voc-eln_1-20.py',
        'eln_r50_voc-eln_1-20_filter-correction.py',
        'eln_r50_voc-eln_1-20_filter-confidence.py',
        'eln_r50_voc-eln_1-20_stage1.py',
        'eln_r101_cityscapes-eln_1-2.py',
        'eln_mbv2_camvid_8.py',
    ],
)
def test_a_model_builds_offline(name):
    """With its hooks and metrics; the localizer takes image, classes and entropy."""
    cfg = Config.fromfile(str(CONFIGS[name]))
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    for hook in cfg.custom_hooks:
        HOOKS.build(hook)
    for metric in cfg.val_evaluator:
        METRICS.build(metric)
    if 'confidence' not in name:
        first = next(module for module in model.localizer.modules() if isinstance(module, torch.nn.Conv2d))
        assert first.in_channels == 3 + model.student.num_classes + 1
        out = model.localizer.decode_head.conv_seg.out_channels
        assert out == (model.student.num_classes if 'correction' in name else 1)
