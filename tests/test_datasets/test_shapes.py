"""The embedded dataset is drawn on first use, always the same."""

import os
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, ShapesDataset, shapes
from mmseg_ssl.datasets.shapes_scene import CLASSES, SIGN, draw_scene


@pytest.fixture
def few(monkeypatch):
    """Three train and two val images, for tests that write."""
    monkeypatch.setattr(shapes, 'SIZES', dict(train=3, val=2))


def contents(folder: Path) -> dict:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob('*.png')}


def test_scenes_are_functions_of_the_seed():
    """The masks' class counts are golden: another stack or machine must draw the same scenes."""
    image, mask = draw_scene(np.random.RandomState(1))
    again, mask_again = draw_scene(np.random.RandomState(1))
    assert (image == again).all()
    assert (mask == mask_again).all()
    assert image.shape == (64, 96, 3)
    assert mask.shape == (64, 96)
    assert image.dtype == mask.dtype == np.uint8
    assert np.bincount(mask.ravel(), minlength=8).tolist() == [2469, 576, 1727, 578, 707, 48, 39, 0]
    assert (draw_scene(np.random.RandomState(2))[1] != mask).mean() > 0.05


def test_classes_are_common_thin_and_rare():
    masks = [draw_scene(np.random.RandomState(seed))[1] for seed in range(40)]
    share = np.bincount(np.stack(masks).ravel(), minlength=len(CLASSES)) / np.stack(masks).size
    assert (share > 0).all()
    assert share.max() < 0.5
    assert share[SIGN] < 0.01  # rare: in less than half of the scenes, and small
    assert np.mean([SIGN in mask for mask in masks]) < 0.6
    assert len(np.unique(masks[0])) > 3


def test_borders_are_ambiguous_and_light_varies():
    """Mean colors of one class differ between scenes by more than classes differ within one."""
    skies = []
    for seed in range(30):
        image, mask = draw_scene(np.random.RandomState(seed))
        skies.append(image[mask == 0].mean(axis=0))
    assert np.std(skies, axis=0).min() > 12


def test_it_is_drawn_on_first_use_and_never_again(few, tmp_path):
    root = tmp_path / 'deep' / 'shapes'
    cfg = dict(
        type='ShapesDataset',
        data_root=str(root),
        data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
    )
    dataset = DATASETS.build(cfg)
    first = contents(root)
    assert len(dataset) == 3
    assert len(first) == 10
    assert dataset.metainfo['classes'] == CLASSES
    assert os.listdir(root.parent) == ['shapes']  # nothing is left of the draft
    image = root / 'img_dir/train/0000.png'
    image.write_bytes(b'touched')
    DATASETS.build(cfg)
    assert image.read_bytes() == b'touched'
    ShapesDataset.prepare(str(tmp_path / 'other'))
    assert contents(tmp_path / 'other') == first
    image = cv2.imread(str(tmp_path / 'other/ann_dir/val/0001.png'), cv2.IMREAD_UNCHANGED)
    assert image.shape == (64, 96)
    assert image.max() < len(CLASSES)


def _prepare(root: str) -> None:
    shapes.SIZES = dict(train=3, val=2)
    ShapesDataset.prepare(root)


def test_many_processes_may_come_first(few, tmp_path):
    with get_context('fork').Pool(3) as pool:
        pool.map(_prepare, [str(tmp_path / 'shapes')] * 3, chunksize=1)
    assert os.listdir(tmp_path) == ['shapes']
    assert len(contents(tmp_path / 'shapes')) == 10


def test_a_killed_drawing_leaves_no_half_data(few, tmp_path, monkeypatch):
    def fail(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(shapes, 'draw_scene', fail)
    with pytest.raises(KeyboardInterrupt):
        ShapesDataset.prepare(str(tmp_path / 'shapes'))
    assert os.listdir(tmp_path) == []


def test_another_version_is_refused(few, tmp_path):
    (tmp_path / 'shapes').mkdir()
    with pytest.raises(DatasetError, match='not version 2 of the drawn dataset. Delete the folder'):
        ShapesDataset.prepare(str(tmp_path / 'shapes'))
