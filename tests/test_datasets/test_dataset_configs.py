"""Every data config parses, never lets the unlabeled side near a mask, and works on its data."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import DATASETS, TRANSFORMS

from mmseg_ssl.datasets import (
    DatasetError,
    check_semi_dataset,
    find_split,
    read_ids,
)
from mmseg_ssl.tooling.annotate import WeakAnnotator
from mmseg_ssl.tooling.mask_folders import annotate_folder
from mmseg_ssl.tooling.tta_pipeline import tta_pipeline_of

FOLDER = Path(__file__).resolve().parents[2] / 'configs/_base_/datasets'
LOADERS = ('LoadAnnotations', 'LoadScribbles')
CONFIGS = sorted(path.name for path in FOLDER.glob('*.py'))


SCRIBBLED = [
    'ade20k_block.py',
    'camvid_scribble_240x180.py',
    'cityscapes_block.py',
    'msrc21_scribble_216x144.py',
    'voc_scribble.py',
    'voc_scribble_512.py',
]


def test_all_data_sets_are_there():
    assert {'camvid_semi.py', 'cityscapes_semi.py', 'voc_semi.py', 'shapes_semi.py'} <= set(CONFIGS)
    assert {'camvid_scribble_semi_240x180.py', *SCRIBBLED} <= set(CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_parses_and_its_parts_exist(name):
    cfg = Config.fromfile(str(FOLDER / name))
    data = cfg.train_dataloader.dataset
    assert data.get('split') is None or Path(find_split(data.split)).is_file()
    assert data.labeled.pipeline[-1].type == 'PackSemiInputs'
    pipelines = [data.labeled.pipeline]
    if data.unlabeled is not None:
        pipelines.append(data.unlabeled.pipeline)
        steps = [step.type for step in data.unlabeled.pipeline]
        assert steps == [step.type for step in data.labeled.pipeline if step.type not in LOADERS]
        assert 'seg_map_path' not in data.unlabeled.data_prefix
    for pipeline in pipelines:
        crops = [TRANSFORMS.build(step) for step in pipeline if step.type == 'RandomCrop']
        assert all(crop.cat_max_ratio == 1 for crop in crops)  # below 1 it reads the mask
        # One size for a batch: by a crop, or (ELN on VOC) by resizing whole images to one shape.
        assert crops or any(step.type == 'Resize' and not step.keep_ratio for step in pipeline)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert DATASETS.get(loader.dataset.type) is not None
        # A prediction has the size of the file, so nothing may resize the mask, or both have the new size.
        steps = [step.type for step in loader.dataset.pipeline]
        assert 'Resize' not in steps[steps.index('LoadAnnotations') :] or 'ScoreAtThisSize' in steps
    metrics = cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]
    assert metrics[0].iou_metrics == ['mIoU']  # the first one writes the files of tools/test.py --out
    assert 'test_evaluator' in cfg
    # what tools/test.py --tta makes where a config says nothing: a changed test pipeline changes the views, too
    assert Config(dict(steps=cfg.tta_pipeline)).steps == Config(dict(steps=tta_pipeline_of(cfg.test_pipeline))).steps
    assert cfg.test_dataloader.dataset.pipeline == cfg.test_pipeline


@pytest.mark.parametrize('name', SCRIBBLED + ['camvid_scribble_semi_240x180.py', 'msrc21_scribble_semi_216x144.py'])
def test_scribbles_are_loaded_resized_and_validated_on_full_masks(name):
    cfg = Config.fromfile(str(FOLDER / name))
    data = cfg.train_dataloader.dataset
    assert data.labeled.pipeline[1].type == 'LoadScribbles'
    TRANSFORMS.build(data.labeled.pipeline[1])
    text = str(data.labeled.pipeline)
    assert 'ResizeScribbles' in text and "'Resize'" not in text
    assert (data.unlabeled is None) == (data.unlabeled_per_labeled == 0) == (name in SCRIBBLED)
    assert data.labeled.get('reduce_zero_label', False) is False
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert 'LoadScribbles' not in str(loader.dataset.pipeline)
        assert loader.dataset.data_prefix.seg_map_path != data.labeled.data_prefix.seg_map_path
        assert loader.dataset.type == data.labeled.type


@pytest.mark.parametrize('name', [name for name in CONFIGS if name not in SCRIBBLED])
def test_one_line_changes_the_split(name):
    cfg = Config.fromfile(str(FOLDER / name))
    cfg.merge_from_dict(dict(train_dataloader=dict(dataset=dict(split='camvid/8_draw2.txt'))))
    assert cfg.train_dataloader.dataset.labeled.get('ann_file') is None
    assert cfg.train_dataloader.dataset.unlabeled.get('exclude') is None


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('camvid_semi', 'SegNet'),
        ('cityscapes_semi', 'cityscapesscripts'),
        ('voc_semi', 'SBD'),
        ('ade20k_block', 'ADEChallengeData2016.zip'),
        ('cityscapes_block', 'cityscapesscripts'),
    ],
)
def test_absent_data_says_where_it_looked(name, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(str(FOLDER / f'{name}.py'))
    with pytest.raises(DatasetError, match=rf'looked in {tmp_path}/data/(.|\n)*{hint}'):
        check_semi_dataset(cfg)
    with pytest.raises(DatasetError, match=rf'looked in {tmp_path}/data/(.|\n)*{hint}'):
        Runner.build_dataloader(cfg.train_dataloader)  # also where no one calls the check


def test_shapes_work_from_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(str(FOLDER / 'shapes_semi.py'))
    assert check_semi_dataset(cfg, 'pixels').num_images == 8 + 152 + 48
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    assert [len(batch['inputs'][view]) for view in ('sup', 'weak')] == [4, 4]


@pytest.mark.parametrize('name', ['camvid_semi.py', 'camvid_semi_240x180.py'])
def test_camvid_is_what_its_readme_says(name, root, monkeypatch):
    if not (root / 'data/camvid').exists():
        pytest.skip('data/camvid is absent')
    monkeypatch.chdir(root)
    cfg = Config.fromfile(str(FOLDER / name))
    data = DATASETS.build(cfg.train_dataloader.dataset)
    assert (len(data), len(data.unlabeled)) == (23, 344)
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == 101
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 233
    assert check_semi_dataset(cfg).sets[0].checked == 23


def test_scribbles_drawn_on_camvid_are_what_its_configs_read(root, tmp_path, monkeypatch):
    """As a user would: the tool, then the check, then a batch with scribbles and unlabeled images."""
    if not (root / 'data/camvid').exists():
        pytest.skip('data/camvid is absent')
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/camvid').symlink_to((root / 'data/camvid').resolve())
    ids = read_ids(find_split('camvid/8_draw0.txt'))
    masks = tmp_path / 'masks'
    masks.mkdir()
    for name in ids:  # drawing all 367 is for users
        (masks / f'{name}.png').symlink_to((root / f'data/camvid/ann_dir/train/{name}.png').resolve())
    annotator = WeakAnnotator(num_classes=11)
    summary = annotate_folder(annotator, masks, tmp_path / 'data/camvid_scribbles/length-1')
    assert 0.02 < summary.labeled.sum() / summary.pixels < 0.04  # 'about 3 %'
    monkeypatch.chdir(tmp_path)
    for name in ('camvid_scribble_240x180.py', 'camvid_scribble_semi_240x180.py'):
        cfg = Config.fromfile(str(FOLDER / name))
        cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
        cfg.train_dataloader.dataset.split = 'camvid/8_draw0.txt'
        assert check_semi_dataset(cfg).sets[0].checked == 8
        batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
        assert len(batch['inputs'].get('weak', [])) == (4 if 'semi' in name else 0)
        seeds = [one.gt_sem_seg.data for one in batch['data_samples']['sup']]
        assert all(0 < (mask != 255).float().mean() < 0.2 for mask in seeds)
        assert all(one.unlabeled_mask.data.any() for one in batch['data_samples']['sup'])
