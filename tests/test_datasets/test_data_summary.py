"""Counts of what a run trains on; copies found by content; sets that are too small for a batch."""

import hashlib
import json
import re
import shutil

import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import batch_sizes
from mmseg_ssl.datasets.batch_sizes import expected_world_size, size_problems
from mmseg_ssl.datasets.data_summary import find_overlap, summarize_data
from mmseg_ssl.datasets.same_files import find_copies


def test_the_numbers_and_the_list_of_a_split(data, semi_cfg):
    digest = hashlib.sha256((data / 'labeled.txt').read_bytes()).hexdigest()[:8]
    summary = summarize_data(DATASETS.build(semi_cfg()))
    assert summary == (4, 12, 8, 0, str(data / 'labeled.txt'), digest)
    assert str(summary) == f'4 labeled of 12 ({data}/labeled.txt, hash {digest}), 8 unlabeled, 0 shared'
    cfg = semi_cfg()
    cfg['unlabeled']['exclude'] = ''
    assert summarize_data(DATASETS.build(cfg))[:4] == (4, 12, 12, 4)
    assert summarize_data(DATASETS.build(semi_cfg(unlabeled=None)))[:4] == (4, 4, 0, 0)


def test_without_a_list_and_in_wrappers(data, semi_cfg):
    cfg = semi_cfg(split=None)
    cfg['labeled'] = dict(type='RepeatDataset', times=3, dataset=cfg['labeled'])
    summary = summarize_data(DATASETS.build(cfg))
    assert summary[:5] == (12, 12, 12, 12, '')
    assert 'no list: every image of its folder' in str(summary)
    plain = summarize_data(DATASETS.build(dict(semi_cfg()['labeled'], ann_file='labeled.txt')))
    assert plain[:5] == (4, 4, 0, 0, str(data / 'labeled.txt'))
    shutil.copytree(data, data / 'elsewhere')
    elsewhere = semi_cfg(split=None)
    elsewhere['labeled']['data_root'] = str(data / 'elsewhere')
    assert summarize_data(DATASETS.build(elsewhere)).hash == summary.hash  # of the names, wherever they lie
    (data / 'img_dir/train/99.png').write_bytes(b'new')
    assert summarize_data(DATASETS.build(cfg)).hash != summary.hash


@pytest.mark.parametrize('order', [['a.txt', 'b.txt'], ['b.txt', 'a.txt'], ['b.txt', 'a.txt', 'b.txt']])
def test_two_lists_are_one_whatever_their_order_in_the_config(data, semi_cfg, order):
    """Their names, and the hash of both contents one after the other."""
    lists = {'a.txt': '09\n', 'b.txt': '01\n04\n'}
    for name, content in lists.items():
        (data / name).write_text(content)
    parts = [dict(semi_cfg()['labeled'], ann_file=name) for name in order]
    summary = summarize_data(DATASETS.build(dict(type='ConcatDataset', datasets=parts)))
    digest = hashlib.sha256(b'09\n01\n04\n').hexdigest()[:8]
    assert summary == (3, 3, 0, 0, f'{data}/a.txt and {data}/b.txt', digest)


def test_shipped_lists_have_the_hash_of_the_index(data, semi_cfg, root):
    name = 'camvid/8_draw0.txt'
    for line in (root / 'configs/splits' / name).read_text().split():
        for folder in ('img_dir', 'ann_dir'):
            shutil.copy(data / folder / 'train/00.png', data / folder / 'train' / f'{line}.png')
    summary = summarize_data(DATASETS.build(semi_cfg(split=name)))
    index = json.loads((root / 'configs/splits/index.json').read_text())
    assert (summary.list, summary.hash) == (name, index[name]['sha256'][:8])


def test_labeled_images_in_another_set_are_found_by_path_and_by_content(data, semi_cfg):
    """One by its path, one as a copy under another name, one unlabeled one."""
    (data / 'val').mkdir()
    (data / 'val/04.png').symlink_to(data / 'img_dir/train/04.png')
    shutil.copy(data / 'img_dir/train/11.png', data / 'val/new.png')
    shutil.copy(data / 'img_dir/train/00.png', data / 'val/01.png')
    val = DATASETS.build(dict(semi_cfg()['labeled'], data_prefix=dict(img_path='val')))
    overlap = find_overlap(DATASETS.build(semi_cfg()), 'val', val)
    assert [path[-6:] for path in overlap.labeled] == ['04.png', '11.png']
    assert [path[-6:] for path in overlap.unlabeled] == ['00.png']
    assert str(overlap) == 'val: 3 images, 2 of them labeled and 1 unlabeled in training'


def test_copies_are_told_from_files_of_one_size_and_beginning(tmp_path):
    head = bytes(1 << 16)
    files = dict(a=head + b'1', b=head + b'2', c=head + b'1', d=b'x' + head, e=b'', f=b'')
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = {name: str(tmp_path / name) for name in files}
    assert find_copies([paths['a'], paths['d'], paths['e']], [paths['b'], paths['c'], paths['f']]) == {
        paths['a']: paths['c']
    }
    assert find_copies([paths['a']], [paths['b']]) == {}
    assert find_copies(['s3://x/a.png', 'gone.png'], ['s3://x/a.png', 'other.png']) == {'s3://x/a.png': 's3://x/a.png'}


@pytest.mark.parametrize(
    ('batch', 'labeled', 'unlabeled', 'ratio', 'distinct', 'processes', 'message'),
    [
        (4, 8, 1, 1, None, 1, 'unlabeled set has 1 image.*takes 4 of them'),
        (4, 8, 7, 2, None, 1, r'has 7 image.*takes 8 of them \(2 for each of 4'),
        (2, 8, 7, 2, None, 2, r'has 7 image.*takes 8 of them \(2 for each of 4 \(2 processes with 2 each\)'),
        (2, 3, 0, 0, None, 2, r'labeled set has 3 image.*the batch 4 \(2 processes'),
        (2, 9, 4, 2, None, 1, r'takes 4 of 4 .* only 3 are guaranteed to differ: .*distinct=4'),
        (2, 9, 4, 2, 4, 1, None),
        (4, 4, 0, 0, None, 1, None),
        (2, 9, 100, 2, None, 8, r'labeled set has 9'),
    ],
)
def test_sets_smaller_than_a_batch_of_all_processes(batch, labeled, unlabeled, ratio, distinct, processes, message):
    problems = list(size_problems(batch, labeled, unlabeled, ratio, distinct, processes))
    assert len(problems) == (message is not None)
    if message:
        assert re.search(message, problems[0])


def test_the_number_of_processes_before_they_have_met(monkeypatch):
    for name in ('WORLD_SIZE', 'SLURM_STEP_NUM_TASKS', 'OMPI_COMM_WORLD_SIZE'):
        monkeypatch.delenv(name, raising=False)
    assert expected_world_size() == 1
    monkeypatch.setenv('SLURM_STEP_NUM_TASKS', '4')
    assert expected_world_size() == 4
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert expected_world_size() == 2
    monkeypatch.setattr(batch_sizes, 'is_distributed', lambda: True)
    monkeypatch.setattr(batch_sizes, 'get_world_size', lambda: 3)
    assert expected_world_size() == 3
