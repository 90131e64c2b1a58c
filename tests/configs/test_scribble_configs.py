"""Configs of the methods for scribbles: the rows of the paper's tables, each what its name says."""

import copy
import inspect
import re
from pathlib import Path

import pytest
import tiny
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import HOOKS, MODELS

from mmseg_ssl.datasets import find_split, read_ids
from mmseg_ssl.ops.potts import RELAXATIONS
from mmseg_ssl.targets import self_label
from mmseg_ssl.tooling.cli import load_config

NAME = re.compile(
    r'(?P<method>[a-z-]+)_(?P<net>mbv2|r101|vit|deeplabv2|vgg16)_(?P<data>[a-z0-9-]+)_(?P<labels>full|[a-z]*-?[\d.-]+)(?P<rest>_.+)?'
)
METHODS = {
    'supervised': 'Supervised',
    'scribble-supervised': 'ScribbleSupervised',
    'potts-regularized': 'PottsRegularized',
    'hard-self-labeling': 'HardSelfLabeling',
    'soft-self-labeling': 'SoftSelfLabeling',
    'scribble-mean-teacher': 'ScribbleMeanTeacher',
    'tree-energy': 'TreeEnergy',
}
FOLDER = Path(__file__).resolve().parents[2] / 'configs'
CONFIGS = {
    path.stem: path
    for method in METHODS
    for path in sorted(FOLDER.glob(f'{method.replace("-", "_")}/*.py'))
    if method != 'supervised' or re.search('-(scribble|block)_', path.stem)
}
NETS = dict(mbv2='MobileNetV2', r101='ResNetV1c', vit='VisionTransformer', deeplabv2='ResNetV1c', vgg16='DilatedVGG')
# classes, color bandwidth, and iterations at batch 12 over 60 epochs of so many images
DATA = {
    'voc-scribble': (21, 9.0, 10582),
    'cityscapes-block': (19, 3.0, 2975),
    'ade20k-block': (150, 3.0, 20210),
    'camvid-scribble': (11, 9.0, None),
    'camvid-scribble-semi': (11, 9.0, None),
    'msrc21-scribble': (21, 50.0, None),
    'msrc21-scribble-semi': (21, 50.0, None),
}
FULL_MASKS = {
    'voc-scribble': 'SegmentationClassAug',
    'cityscapes-block': 'cityscapes/gtFine/train',
    'ade20k-block': 'ade/ADEChallengeData2016/annotations/training',
}
LENGTHS = ('1', '0.8', '0.5', '0.3', '0')
SHARES = ('0.5', '0.2', '0.1')
CUTS = {'1': (0.944, 0.05), '0.8': (0.946, 0.075), '0.5': (0.9514, 0.1), '0.3': (0.9516, 0.1), '0': (0.9522, 0.1)}
SUFFIXES = {'_' + name.replace('_', '-'): name for name in RELAXATIONS if name != 'collision_divergence'}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def load(name):
    return load_config(str(CONFIGS[name]), None)


def test_every_row_of_the_tables_is_there():
    soft = 'soft-self-labeling_mbv2_voc-scribble_length-'
    table_3 = {f'{soft}{length}{suffix}' for length in LENGTHS for suffix in ('', *SUFFIXES)}
    assert len(table_3) == 30
    table_4 = {f'{soft}1_quadratic', f'{soft}1_quadratic_dense', f'{soft}1_quadratic_steps-100'}
    figure_5 = {
        f'{soft}{length}{pairs}{suffix}'
        for length in LENGTHS
        for pairs in ('', '_quadratic')
        for suffix in ('', '_ce-standard', '_ce-reverse')
    }
    table_5 = {
        f'{row}'
        for net in ('r101', 'mbv2')
        for row in (
            f'scribble-supervised_{net}_voc-scribble_length-1',
            *(f'potts-regularized_{net}_voc-scribble_length-1_{kind}crf' for kind in ('grid', 'dense', 'nonlocal')),
            f'hard-self-labeling_{net}_voc-scribble_length-1',
            f'tree-energy_{net}_voc-scribble_length-1',
            *(f'soft-self-labeling_{net}_voc-scribble_length-1{kind}' for kind in ('', '_no-pretrain', '_one-run')),
        )
    } | {
        'soft-self-labeling_r101_voc-scribble_length-1_bs16',
        'soft-self-labeling_r101_voc-scribble_length-1_no-pretrain_bs16',
        'soft-self-labeling_vit_voc-scribble_length-1_no-pretrain',
        'soft-self-labeling_vit_voc-scribble_length-1_no-pretrain_bs16',
        'tree-energy_r101_voc-scribble_length-1_bs16',
        *(f'supervised_{net}_voc-scribble_full' for net in ('mbv2', 'r101', 'vit')),
        *(f'supervised_{net}_voc-scribble_full_bs16' for net in ('r101', 'vit')),
        *(f'supervised_r101_{data}_full' for data in ('cityscapes-block', 'ade20k-block')),
    }
    table_5 |= {
        f'{method}_{net}_voc-scribble_{labels}'
        for net in ('deeplabv2', 'vgg16')
        for method, labels in (
            ('supervised', 'full'),
            ('scribble-supervised', 'length-1'),
            ('potts-regularized', 'length-1_densecrf'),
            ('soft-self-labeling', 'length-1'),
        )
    }
    figure_7 = {
        f'{method}_mbv2_voc-scribble_length-{length}{kind}'
        for length in LENGTHS
        for method, kind in (
            ('potts-regularized', '_gridcrf'),
            ('potts-regularized', '_descent'),
            ('hard-self-labeling', ''),
            ('soft-self-labeling', ''),
        )
    }
    blocks = {
        f'{method}_r101_{data}{kind}'
        for data in (f'{data}_share-{share}' for data in ('cityscapes-block', 'ade20k-block') for share in SHARES)
        for method, kind in (
            ('scribble-supervised', ''),
            ('tree-energy', ''),
            ('potts-regularized', '_gridcrf'),
            ('potts-regularized', '_densecrf'),
            ('soft-self-labeling', ''),
        )
    }
    semi = {f'scribble-mean-teacher_mbv2_camvid-scribble-semi_{split}' for split in ('8', '1-16', '1-8', '1-4')}
    assert table_3 | table_4 | figure_5 | figure_7 | table_5 | blocks | semi <= set(CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_what_its_name_says(name):
    said = NAME.fullmatch(name).groupdict()
    rest, length = said['rest'] or '', said['labels'].split('-')[-1]
    assert len(CONFIGS[name].read_text().splitlines()) <= 15
    cfg = load(name)
    model, loader = cfg.model, cfg.train_dataloader
    assert model.type == METHODS[said['method']]
    assert model.segmentor.backbone.type == NETS[said['net']]
    classes, bandwidth, images = DATA[said['data']]
    assert model.segmentor.decode_head.num_classes == classes

    folder = loader.dataset.labeled.data_prefix.seg_map_path
    if said['labels'] == 'full':
        assert folder == FULL_MASKS[said['data']]
        pipeline = loader.dataset.labeled.pipeline
        assert pipeline[1] == dict(type='LoadAnnotations') and 'Scribbles' not in str(pipeline)
        assert loader.dataset.labeled.get('reduce_zero_label', False) == (said['data'] == 'ade20k-block')
    elif said['labels'].startswith(('length', 'share')):
        assert folder.endswith(said['labels']) or (said['data'] == 'voc-scribble' and length == '1')
    else:
        assert loader.dataset.split == f'{said["data"].split("-")[0]}/{said["labels"]}_draw0.txt'
    assert (loader.dataset.get('unlabeled') is not None) == ('semi' in said['data'])
    assert read_ids(find_split(loader.dataset.split)) if loader.dataset.get('split') else images == 20210
    if images:
        batch = 16 if rest.endswith('bs16') else 12
        assert batch % loader.batch_size == 0
        assert cfg.train_cfg.max_iters == 60 * (images // batch)
        assert cfg.optim_wrapper.optimizer.lr == 0.0007
        assert cfg.optim_wrapper.paramwise_cfg.custom_keys.decode_head.lr_mult == 10
        assert model.data_preprocessor.size == ((512, 512) if said['net'] == 'vit' else cfg.crop_size)
        pretrained = f'scribble-supervised_{said["net"]}_{said["data"]}_{said["labels"]}'
        alone = 'supervised' in said['method'] or 'no-pretrain' in rest or 'one-run' in rest
        expected = None if alone else f'work_dirs/{pretrained}/last_checkpoint'
        assert cfg.load_from == expected
        assert alone or pretrained in CONFIGS

    hooks = [hook.type for hook in cfg.get('custom_hooks', [])]
    staged = 'supervised' not in said['method'] and 'no-pretrain' not in rest
    assert ('StageHook' in hooks) == ((images is None and staged) or 'one-run' in rest)
    if said['method'] in ('soft-self-labeling', 'scribble-mean-teacher'):
        of_msrc21 = said['data'].startswith('msrc21')
        weights = (0.3, 6.0) if images else (1.0, 400.0) if of_msrc21 else (1.0, 20.0)
        check_soft(model.self_labeling, rest, bandwidth, weights)
        assert model.self_labeling.get('only_seeded_classes', False) == of_msrc21
    if rest == '_descent':  # eq. 4, with the weights of eq. 8
        assert (model.eta, model.potts.weight, model.potts.bandwidth) == (0.3, 6.0, bandwidth)
    if said['method'] == 'hard-self-labeling' and images:
        assert (model.error_rate, model.self_labeling.unary_weight) == CUTS[length]
    check_build(cfg)


def check_soft(options, rest, bandwidth, weights):
    """The paper's numbers and labels, on a CPU the minimum, and the variation that the name states."""
    assert (options.eta, options.potts_weight) == weights
    solver = inspect.signature(self_label).parameters['solver'].default
    assert solver == 'chebyshev'
    expected = 'multiplicative' if weights[0] == 1 else 'gd' if 'steps-100' in rest else solver
    assert options.get('solver', solver) == expected
    assert options.get('steps') == (100 if 'steps-100' in rest else None)
    relaxation = next((value for suffix, value in SUFFIXES.items() if rest.startswith(suffix)), None)
    assert options.get('relaxation') == relaxation
    assert options.get('neighborhood') == ('dense' if 'dense' in rest else None)
    assert 'dense' in rest or options.bandwidth == bandwidth
    cross_entropy = re.search('ce-(standard|reverse)', rest)
    assert options.get('cross_entropy') == (cross_entropy and cross_entropy[1])


def check_build(cfg):
    """The method and its hooks, around a small network of as many classes: every option is possible."""
    head = tiny.fcn_head(num_classes=cfg.model.segmentor.decode_head.num_classes)
    model = MODELS.build(dict(copy.deepcopy(cfg.model), segmentor=tiny.tiny_segmentor(decode_head=head)))
    assert model.stage == ([*model.stages] or [''])[-1]
    for hook in cfg.get('custom_hooks', []):
        hook = HOOKS.build(hook)
        if type(hook).__name__ == 'StageHook':
            assert set(hook.given) == set(model.stages) and max(hook.given.values()) < 1


@pytest.mark.parametrize(
    'name',
    [
        'soft-self-labeling_mbv2_voc-scribble_length-1',
        'soft-self-labeling_r101_voc-scribble_length-1',
        'soft-self-labeling_r101_cityscapes-block_share-0.1',
        'soft-self-labeling_r101_ade20k-block_share-0.5',
        'scribble-mean-teacher_mbv2_camvid-scribble-semi_1-16',
    ],
)
def test_a_network_builds_offline(name):
    cfg = load(name)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    convolution = model.student.segmentor.decode_head.conv_seg
    assert convolution.out_channels == cfg.model.segmentor.decode_head.num_classes


def test_the_linear_decoder_is_linear():
    """ViT-B/16: 32 x 32 patches of a crop, one 1x1 convolution, 21 classes; the crop is whole patches."""
    cfg = load('soft-self-labeling_vit_voc-scribble_length-1_no-pretrain')
    steps = {step.type: step for step in cfg.train_dataloader.dataset.labeled.pipeline}
    assert steps['RandomCrop'].crop_size == (512, 512) and 'LoadScribbles' in steps
    cfg.model.segmentor.backbone.update(num_layers=1, out_indices=0, init_cfg=None)  # one layer of the twelve
    branch = MODELS.build(cfg.model).student
    pred = branch(torch.zeros(1, 3, 512, 512))
    assert pred.embedding.shape == (1, 768, 32, 32) and pred.logits.shape == (1, 21, 512, 512)
    assert {key for key, _ in branch.segmentor.decode_head.named_parameters()} == {'conv_seg.weight', 'conv_seg.bias'}
