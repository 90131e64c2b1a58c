"""Unlabeled images come from a folder, a list, or both."""

import shutil
from pathlib import Path

import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, find_split, read_ids


def stems(**cfg) -> list:
    dataset = DATASETS.build(dict(type='UnlabeledImages', **cfg))
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert all(set(info) == {'img_path', 'sample_idx'} for info in infos)
    return [Path(info['img_path']).name for info in infos]


def test_a_folder_is_read_with_its_subfolders_and_several_suffixes(tmp_path):
    (tmp_path / 'a/b').mkdir(parents=True)
    for name in ('a/b/2.jpg', '1.png', '3.txt', 'a/0_rgb.png'):
        (tmp_path / name).touch()
    prefix = dict(img_path=str(tmp_path))
    assert stems(data_prefix=prefix) == ['2.jpg']
    assert stems(data_prefix=prefix, img_suffix=['.png', '.jpg']) == ['1.png', '0_rgb.png', '2.jpg']
    (tmp_path / 'out.txt').write_text('a/0\n1\n')
    kept = stems(
        data_prefix=prefix,
        img_suffix=('.png', '_rgb.png', '.jpg'),
        exclude=str(tmp_path / 'out.txt'),
    )
    assert kept == ['2.jpg']


def test_a_list_names_images_and_needs_no_scan(data):
    cfg = dict(data_root=str(data), data_prefix=dict(img_path='img_dir/train'), img_suffix='.png')
    assert stems(ann_file='labeled.txt', **cfg) == ['01.png', '04.png', '06.png', '11.png']
    (data / 'two.txt').write_text('04\n11\n')
    both = stems(ann_file='labeled.txt', exclude=str(data / 'two.txt'), **cfg)
    assert both == ['01.png', '06.png']


def test_shipped_lists_have_short_names(tmp_path):
    for name in read_ids(find_split('camvid/8_draw0.txt')):
        (tmp_path / f'{name}.jpg').touch()
    names = stems(ann_file='camvid/8_draw0.txt', data_prefix=dict(img_path=str(tmp_path)))
    assert len(names) == 8


def test_errors_name_the_folder_and_the_fix(data):
    cfg = dict(data_root=str(data), data_prefix=dict(img_path='img_dir/train'), img_suffix='.png')
    with pytest.raises(DatasetError, match='labeled.txt holds 4.*exclude.*unlabeled=None'):
        stems(ann_file='labeled.txt', exclude=str(data / 'labeled.txt'), **cfg)
    with pytest.raises(DatasetError, match=r'no image that ends in .jpg; it holds 12 with .png. Correct img_suffix'):
        stems(**{**cfg, 'img_suffix': '.jpg'})
    with pytest.raises(DatasetError, match='needs exactly one img_suffix'):
        stems(ann_file='labeled.txt', **{**cfg, 'img_suffix': ('.png', '.jpg')})
    shutil.rmtree(data / 'img_dir')
    with pytest.raises(DatasetError, match=r'looked in .*img_dir/train. Correct data_root'):
        stems(**cfg)
