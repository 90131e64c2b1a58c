"""Settings that data decide stand in the dataset's base, and fit in every config; so do lengths."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_ssl.structures import IGNORE_INDEX
from mmseg_ssl.tooling.config_leaves import configs_of
from mmseg_ssl.tooling.matrix import METHODS
from mmseg_ssl.utils.nested import nested_dicts

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
BASES = {kind: sorted((FOLDER / '_base_' / kind).glob('*.py')) for kind in ('networks', 'schedules', 'datasets')}
CONFIGS = {path.stem: path for path in sorted(FOLDER.glob('*/*.py')) if path.parent.name != '_base_'}
MATRIX = {config.name(config.variant.name): config for method in METHODS for config in configs_of(method)}
OF_DATA = ('num_classes', 'out_channels', 'class_weight', 'min_kept', 'ignore_index')


def classes_of(dataset: dict) -> int:
    return len((dataset.get('metainfo') or DATASETS.get(dataset.type).METAINFO)['classes'])


def weights_of(model: dict) -> list:
    return [part['class_weight'] for part in nested_dicts(model) if part.get('class_weight') is not None]


@pytest.mark.parametrize('path', BASES['networks'] + BASES['schedules'], ids=lambda path: path.stem)
def test_neither_a_network_nor_a_schedule_knows_the_data(path):
    """Nor does a network inherit the 19 classes of the host's files: a recipe that forgets the data does not build."""
    cfg = Config.fromfile(str(path))
    parts = [*nested_dicts(cfg.get('model', {})), *nested_dicts(cfg.get('segmentor', {}))]
    assert not [key for part in parts for key in OF_DATA if key in part]


@pytest.mark.parametrize('path', BASES['datasets'], ids=lambda path: path.stem)
def test_a_dataset_says_what_it_decides(path):
    cfg = Config.fromfile(str(path))
    classes = classes_of(cfg.train_dataloader.dataset.labeled)
    assert cfg.num_classes == cfg.segmentor.decode_head.num_classes == classes
    assert all(len(weights) == classes for weights in weights_of(cfg.segmentor))
    window = cfg.segmentor.get('test_cfg', {})
    assert window.get('crop_size', cfg.crop_size) == cfg.crop_size


@pytest.mark.parametrize('name', CONFIGS)
def test_classes_weights_and_lengths_fit(name):
    cfg = Config.fromfile(str(CONFIGS[name]), import_custom_modules=False)  # mmpretrain is optional
    datasets = [cfg.train_dataloader.dataset.labeled, cfg.val_dataloader.dataset, cfg.test_dataloader.dataset]
    classes = cfg.model.segmentor.decode_head.num_classes
    assert [classes_of(dataset) for dataset in datasets] == [classes] * 3
    assert all(len(weights) == classes for weights in weights_of(cfg.model))
    assert {part['ignore_index'] for part in nested_dicts(cfg.model) if 'ignore_index' in part} <= {IGNORE_INDEX}
    assert cfg.model.data_preprocessor.seg_pad_val == IGNORE_INDEX
    check_lengths(cfg)
    check_batch(cfg, name)


def check_lengths(cfg: Config) -> None:
    """The length is one number, max_iters: the rate falls until it, and all other moments are shares of it."""
    assert isinstance(cfg.train_cfg.max_iters, int)
    schedulers = cfg.param_scheduler or []
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        assert 'end' not in scheduler and scheduler.by_epoch is False
    assert 0.0 < cfg.train_cfg.val_interval <= 1.0
    for hook in cfg.get('custom_hooks', []):
        assert all(0 <= start < 1 for start in hook.get('starts', {}).values())
        if hook.type == 'UnsupRampHook':
            assert 0.0 <= hook.begin < hook.end < 1.0


def check_batch(cfg: Config, name: str) -> None:
    """The batch of ``metafile.yml`` is that of one process, times processes, and the one that the rate is for."""
    config = MATRIX[name]
    batch, images = config.variant.batch or config.recipe.batch, cfg.train_dataloader.batch_size
    assert batch % images == 0
    assert batch == cfg.get('auto_scale_lr', {}).get('base_batch_size', images) or config.variant.batch
