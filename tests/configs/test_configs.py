"""Every config parses, builds offline, and is what its name says."""

import ast
import re
from pathlib import Path

import pytest
import tiny
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.datasets import DatasetError, check_semi_dataset, find_split, read_ids
from mmseg_ssl.engine.run_length import to_iteration
from mmseg_ssl.models.reliability import TeacherStep

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
# other recipes, and names that say more, have a file of their own: test_eln_configs.py, test_vit_configs.py ...
METHODS = dict(supervised='Supervised', mean_teacher='MeanTeacher', cpcl='CPCL', dueb='DUEB', farcluss='FARCLUSS')
CONFIGS = {
    path.name: path
    for path in sorted(FOLDER.glob('*/*.py'))
    if path.parent.name in METHODS and not re.search('-(eln|scribble|block)_|_dinov', path.name)
}
NAME = re.compile(r'(?P<method>\w+?)_(?P<net>mbv2|r50|r101|unet)_(?P<data>[^_]+)_(?P<split>[^_]+)(?P<variant>_.+)?\.py')
TEACHERS = ('mean_teacher', 'farcluss')
NETWORKS = dict(mbv2=('MobileNetV2', None), unet=('UNet', None), r50=('ResNetV1c', 50), r101=('ResNetV1c', 101))
# dataset class, classes, folder of the lists, training list, ending of a list's name
DATA = {
    'shapes': ('ShapesDataset', 8, 'shapes', '_draw0.txt'),
    'camvid': ('CamVidDataset', 11, 'camvid', '_draw0.txt'),
    'camvid-480x360': ('CamVidDataset', 11, 'camvid', '_draw0.txt'),
    'msrc21': ('MSRC21Dataset', 21, 'msrc21', '_draw0.txt'),
    'cityscapes': ('CityscapesDataset', 19, 'cityscapes/cps', '.txt'),
    'voc': ('PascalVOCDataset', 21, 'voc/cps', '.txt'),
    'voc-classic': ('PascalVOCDataset', 21, 'voc/classic', '.txt'),
    'voc-u2pl': ('PascalVOCDataset', 21, 'voc/u2pl', '.txt'),
}
# papers/dueb: epochs by share of labels; total batch; all training images; weight of the unlabeled losses
PAPERS = {
    'cityscapes': (dict(zip(('1-16', '1-8', '1-4', '1-2'), (128, 137, 160, 240))), 16, 'cityscapes/train.txt', 5),
    'voc': (dict(zip(('1-16', '1-8', '1-4', '1-2'), (32, 34, 40, 60))), 8, 'voc/trainaug.txt', 1),
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def bases(path: Path) -> list:
    """The files that a config names in ``_base_``; ``None`` for a file of the host."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == '_base_':
            named = ast.literal_eval(node.value)
            named = [named] if isinstance(named, str) else named
            return [None if '::' in name else (path.parent / name).resolve() for name in named]
    return []


def depth(path: Path) -> int:
    """Steps of inheritance above a file."""
    return 0 if path is None else max((1 + depth(base) for base in bases(path)), default=0)


def total_iterations(cfg: Config, data: str, split: str) -> int:
    """Epochs of the paper times ``max(labeled, unlabeled) // batch``, from the lists themselves."""
    epochs, batch, train, _ = PAPERS[data.split('-')[0]]
    split = dict(zip(('662', '1323', '2646', '5291'), epochs)).get(split, split)  # U2PL's are as long as those of CPS
    labeled = set(read_ids(find_split(cfg.train_dataloader.dataset.split)))
    everything = set(read_ids(find_split(train)))
    assert labeled <= everything
    unlabeled = everything if data == 'voc-classic' else everything - labeled
    return epochs.get(split, 32) * (max(len(labeled), len(unlabeled)) // batch)


def test_the_name_users_type_is_there():
    assert 'dueb_r101_cityscapes_1-8.py' in CONFIGS
    for method in METHODS:
        assert {f'{method}_mbv2_camvid_{split}.py' for split in ('8', '1-16', '1-8', '1-4')} <= set(CONFIGS)
        for name in ('cityscapes', 'voc'):
            for net in ('r50', 'r101'):
                assert {f'{method}_{net}_{name}_{split}.py' for split in PAPERS[name][0]} <= set(CONFIGS)
    for family in ('classic', 'u2pl'):
        for path in (FOLDER / 'splits' / 'voc' / family).glob('*.txt'):
            assert {f'farcluss_{net}_voc-{family}_{path.stem}.py' for net in ('r50', 'r101')} <= set(CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_is_what_its_name_says(name):
    path, said = CONFIGS[name], NAME.fullmatch(name).groupdict()
    assert path.parent.name == said['method']
    assert len(path.read_text().splitlines()) <= 15
    assert depth(path) <= 3
    cfg = Config.fromfile(str(path))
    data, model, loader = said['data'], cfg.model, cfg.train_dataloader

    assert model.type == METHODS[said['method']]
    backbone = model.segmentor.backbone
    assert (backbone.type, backbone.get('depth')) == NETWORKS[said['net']]
    if said['net'] in ('r50', 'r101'):
        assert backbone.init_cfg.checkpoint == f'open-mmlab://resnet{said["net"][1:]}_v1c'
        assert model.segmentor.get('auxiliary_head') is None

    kind, classes, folder, ending = DATA[data]
    assert loader.dataset.labeled.type == cfg.test_dataloader.dataset.type == kind
    assert model.segmentor.decode_head.num_classes == classes
    expected = f'{folder}/train.txt' if said['split'] == 'full' else f'{folder}/{said["split"]}{ending}'
    assert loader.dataset.split == expected
    assert len(read_ids(find_split(expected))) >= loader.batch_size
    assert (cfg.scale == (480, 360)) == (data == 'camvid-480x360') if 'camvid' in data else True

    wanted = dict(supervised=0, mean_teacher=1, cpcl=2, dueb=2, farcluss=1)[said['method']]
    assert loader.dataset.unlabeled_per_labeled == wanted
    assert (loader.dataset.unlabeled is None) == (wanted == 0)
    hooks = [hook.type for hook in cfg.get('custom_hooks', [])]
    assert ('MeanTeacherHook' in hooks) == (said['method'] in TEACHERS)
    assert bool(model.data_preprocessor.get('strong')) == (said['method'] in TEACHERS)

    scheduler = cfg.param_scheduler[0] if isinstance(cfg.param_scheduler, list) else cfg.param_scheduler
    assert scheduler.by_epoch is False
    if said['method'] == 'farcluss':
        check_farcluss(cfg, data)
    elif data.split('-')[0] in PAPERS:
        check_recipe(cfg, data, said)


def check_recipe(cfg: Config, data: str, said: dict) -> None:
    """The papers' schedule on Cityscapes and VOC."""
    _, batch, _, unsup_weight = PAPERS[data.split('-')[0]]
    assert cfg.train_cfg.max_iters == total_iterations(cfg, data, said['split'])
    assert cfg.auto_scale_lr.base_batch_size == batch
    assert batch % cfg.train_dataloader.batch_size == 0
    if said['method'] in ('cpcl', 'dueb'):
        assert cfg.model.unsup_weight == unsup_weight
    assert cfg.model.data_preprocessor.size == cfg.crop_size == cfg.model.segmentor.test_cfg.crop_size
    assert cfg.model.segmentor.test_cfg.stride == tuple(side * 2 // 3 for side in cfg.crop_size)
    assert cfg.optim_wrapper.paramwise_cfg == dict(norm_decay_mult=0.0, bias_decay_mult=0.0)
    assert cfg.train_dataloader.dataset.get('unlabeled') is None or (
        cfg.train_dataloader.dataset.unlabeled.get('exclude') == ('' if data == 'voc-classic' else None)
    )


# what adds to CPCL, by the ending of a config's name: the paper's two terms, its ablation, its public code
TERMS = {
    None: ('KendallGalTerm', 'ReleaseEnergyTerm'),
    '_plain-head': ('KendallGalTerm', 'ReleaseEnergyTerm'),
    '_uncertainty': ('KendallGalTerm', 'NoTerm'),
    '_energy': ('NoTerm', 'ReleaseEnergyTerm'),
    '_energy-joint': ('KendallGalTerm', 'JointEnergyTerm'),
    '_release': ('ReleaseAleatoricTerm', 'ReleaseEnergyTerm'),
    '_release_uncertainty': ('ReleaseAleatoricTerm', 'NoTerm'),
    '_release_energy': ('NoTerm', 'ReleaseEnergyTerm'),
}


@pytest.mark.parametrize('name', [name for name in CONFIGS if name.startswith('dueb')])
def test_dueb_adds_the_terms_of_its_row(name):
    """The paper's total has an energy loss; only our own recipes weigh targets instead."""
    said, cfg = NAME.fullmatch(name).groupdict(), Config.fromfile(str(CONFIGS[name]))
    model = MODELS.build(dict(cfg.model, segmentor=tiny.tiny_segmentor()))
    terms = type(model.aleatoric).__name__, type(model.energy['conservative']).__name__
    ours = said['data'] in ('camvid', 'camvid-480x360', 'msrc21', 'shapes')
    assert terms == (('KendallGalTerm', 'EnergyWeighting') if ours else TERMS[said['variant']])
    plain = cfg.model.segmentor.decode_head.type == 'PlainASPPHead'
    assert plain == (said['variant'] == '_plain-head')


PARTS = ('labels', 'reliability', 'rebalancing', 'contrast')


@pytest.mark.parametrize('name', [name for name in CONFIGS if re.match('farcluss_r50_voc_1-8', name)])
def test_farcluss_switches_the_parts_of_its_row(name):
    """An absent part is one class per label, weight 1 of every pixel or class, no contrast."""
    row = (NAME.fullmatch(name)['variant'] or '_').lstrip('_')
    part, kind = row.rsplit('-', 1) if '-' in row else ('', '')
    off = set(PARTS) if part == 'all' else {one for one in PARTS if (one == part) == (kind == 'off')}
    off = off if kind in ('off', 'only') else set()
    head = tiny.fcn_head(num_classes=21)
    cfg = Config.fromfile(str(CONFIGS[name]))
    model = MODELS.build(dict(cfg.model, segmentor=tiny.tiny_segmentor(decode_head=head)))
    probs = torch.rand(1, 21, 2, 2).softmax(dim=1)
    kept = {'': 3, '1': 1, '2': 2, '5': 5, 'all': 21}[kind] if part in ('', 'k') else 1 if 'labels' in off else 3
    assert set((model.labels(probs) > 0).sum(dim=1).flatten().tolist()) == {kept}
    step = TeacherStep(None, None, None, probs, None)
    assert (model.reliability(step) == 1).all() == ('reliability' in off)
    model.rebalancing.update(model.labels(probs), torch.ones(1, 2, 2, dtype=torch.bool))
    assert (model.rebalancing.rarity == 1).all() == ('rebalancing' in off)
    assert model.contrast_weight == (0 if 'contrast' in off else 0.1)


def check_farcluss(cfg: Config, data: str) -> None:
    """papers/farcluss: the schedule of UniMatch, the ramp of 5 epochs, the decay 0.999."""
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    begin, end = (to_iteration(hooks['UnsupRampHook'][key], cfg.train_cfg.max_iters) for key in ('begin', 'end'))
    assert begin < end < cfg.train_cfg.max_iters
    if data in ('camvid', 'camvid-480x360', 'msrc21'):
        return
    epochs, train, crop = dict(voc=(80, 'voc/trainaug.txt', 321), cityscapes=(240, 'cityscapes/train.txt', 801))[
        data.split('-')[0]
    ]
    labeled = set(read_ids(find_split(cfg.train_dataloader.dataset.split)))
    unlabeled = set(read_ids(find_split(train))) - labeled
    epoch = max(len(labeled), len(unlabeled)) // 16
    assert cfg.train_cfg.max_iters == epochs * epoch
    assert (begin, end) == (0, 5 * epoch)
    assert hooks['MeanTeacherHook'].momentum == 0.001
    assert cfg.auto_scale_lr.base_batch_size == 16
    assert 16 % cfg.train_dataloader.batch_size == 0
    assert cfg.train_dataloader.dataset.unlabeled.get('exclude') is None
    for pipeline in (cfg.train_dataloader.dataset.labeled.pipeline, cfg.train_dataloader.dataset.unlabeled.pipeline):
        assert [step.crop_size for step in pipeline if step.type == 'RandomCrop'] == [(crop, crop)]
    assert cfg.model.data_preprocessor.size == (crop, crop)
    rates = cfg.optim_wrapper.optimizer.lr, cfg.optim_wrapper.get('paramwise_cfg')
    heads = dict(lr_mult=10.0)
    voc = crop == 321
    assert rates == ((0.001, dict(custom_keys=dict(decode_head=heads, side_heads=heads))) if voc else (0.005, None))


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('kind', ['r50_cityscapes_1-8', 'r101_voc_1-16', 'mbv2_camvid_8', 'mbv2_camvid-480x360_1-4'])
def test_a_model_builds_offline(method, kind):
    """On the meta device: no memory, no weights, no network access."""
    cfg = Config.fromfile(str(CONFIGS[f'{method}_{kind}.py']))
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    convolution = model.branch(model.predictors[0]).segmentor.decode_head.conv_seg
    assert convolution.out_channels == cfg.model.segmentor.decode_head.num_classes


def test_the_small_network_predicts_images_of_any_size():
    """Its three halvings want multiples of 8; other images are padded, and the prediction is not."""
    model = MODELS.build(Config.fromfile(str(CONFIGS['supervised_unet_shapes_8.py'])).model).eval()
    sample = SegDataSample(metainfo=dict(img_shape=(50, 71), ori_shape=(50, 71)))
    data = dict(inputs=[torch.zeros(3, 50, 71, dtype=torch.uint8)], data_samples=[sample])
    assert model.test_step(data)[0].pred_sem_seg.shape == (50, 71)


def test_the_cityscapes_recipe_trains_on_one_cpu_process():
    """SyncBN acts as BatchNorm, OHEM takes ignored pixels, and neither norms nor biases decay."""
    cfg = Config.fromfile(str(CONFIGS['supervised_r50_cityscapes_1-8.py']))
    cfg.model.data_preprocessor.size = (64, 64)
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = wrapper.optimizer.param_groups  # of parameters that are stepped alike
    decays = {id(parameter): group['weight_decay'] for group in groups for parameter in group['params']}
    rates = {group['lr'] for group in groups}
    for name, parameter in model.named_parameters():
        assert decays[id(parameter)] == (1e-4 if parameter.ndim > 1 else 0.0), name
    assert rates == {0.01}

    mask = torch.randint(0, 19, (1, 64, 64), dtype=torch.uint8)
    mask[:, :8] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=mask.clone())) for _ in range(2)]
    images = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in samples]
    logs = model.train_step(dict(inputs=dict(sup=images), data_samples=dict(sup=samples)), wrapper)
    assert torch.isfinite(logs['loss'])


def test_absent_cityscapes_says_where_it_looked(tmp_path, monkeypatch):
    cfg = Config.fromfile(str(CONFIGS['dueb_r101_cityscapes_1-8.py']))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=rf'looked in {tmp_path}/data/cityscapes(.|\n)*csCreateTrainIdLabelImgs'):
        check_semi_dataset(cfg)
