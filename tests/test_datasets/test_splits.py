"""The committed lists are what their README says, and leak no validation image."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from load_tool import load_tool

from mmseg_ssl.datasets import DatasetError, find_split, read_ids
from mmseg_ssl.datasets.splits import list_name
from mmseg_ssl.tooling.cli import UserError

ROOT = Path(__file__).resolve().parents[2]
SPLITS = ROOT / 'configs' / 'splits'
INDEX = json.loads((SPLITS / 'index.json').read_text())

# From the papers and their public code, typed by hand: an index that drifts is caught here.
SIZES = {
    'ade20k': dict(train=20210, val=2000),
    'camvid': dict(train=367, val=101, test=233),
    'cityscapes': dict(train=2975, val=500),
    'cityscapes/cps': {'1-30': 100, '1-16': 186, '1-8': 372, '1-4': 744, '1-2': 1488},
    'msrc21': dict(train=335, val=58, test=198),
    'shapes': dict(train=160),
    'voc': dict(train=1464, trainaug=10582, val=1449),
    'voc/classic': {'92': 92, '183': 183, '366': 366, '732': 732, '1464': 1464},
    'voc/cps': {'1-16': 662, '1-8': 1323, '1-4': 2646, '1-2': 5291},
    'voc/u2pl': {'662': 662, '1323': 1323, '2646': 2646, '5291': 5291},
}
DRAWS = {
    'ade20k': {'1-64': 316, '1-32': 631, '1-16': 1263, '1-8': 2526},
    'camvid': {'8': 8, '1-16': 23, '1-8': 46, '1-4': 92},
    'cityscapes/eln': {'1-8': 371, '1-4': 743, '1-2': 1487},
    'msrc21': {'10': 10, '20': 20, '40': 40},
    'shapes': {'8': 8, '16': 16},
    'voc/eln': {'1-20': 530, '1-8': 1322, '1-4': 2645},
}
EXPECTED = {f'{d}/{n}.txt': s for d, sizes in SIZES.items() for n, s in sizes.items()}
EXPECTED.update({f'{d}/{n}_draw{i}.txt': s for d, sizes in DRAWS.items() for n, s in sizes.items() for i in range(3)})


def ids_of(name: str) -> set:
    return set(read_ids(str(SPLITS / name)))


def test_the_index_lists_exactly_the_committed_files_and_the_documented_sizes():
    files = {path.relative_to(SPLITS).as_posix() for path in SPLITS.rglob('*.txt')}
    assert files == set(INDEX) == set(EXPECTED)
    assert {name: entry['size'] for name, entry in INDEX.items()} == EXPECTED


@pytest.mark.parametrize('name', sorted(EXPECTED))
def test_a_list_has_its_size_and_hash_and_stays_in_train(name):
    lines = read_ids(str(SPLITS / name))
    assert len(lines) == len(set(lines)) == EXPECTED[name]
    assert hashlib.sha256((SPLITS / name).read_bytes()).hexdigest() == INDEX[name]['sha256']
    parent, dataset = INDEX[name]['drawn_from'], name.split('/')[0]
    if dataset != 'shapes' and name not in (f'{dataset}/val.txt', f'{dataset}/test.txt'):
        assert not set(lines) & ids_of(f'{dataset}/val.txt')
    if f'{dataset}/test.txt' in EXPECTED and not name.endswith('test.txt'):
        assert not set(lines) & ids_of(f'{dataset}/test.txt')
    if parent is not None:
        assert set(lines) <= ids_of(parent)


@pytest.mark.parametrize('folder', sorted(DRAWS))
def test_draws_are_different_random_choices(folder):
    for name, size in DRAWS[folder].items():
        draws = [ids_of(f'{folder}/{name}_draw{i}.txt') for i in range(3)]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert len(draws[a] & draws[b]) < 0.8 * size


def test_camvid_lists_are_what_the_tool_draws(tmp_path):
    subsets = [f'--subset={name}={size}' for name, size in DRAWS['camvid'].items()]
    command = [sys.executable, ROOT / 'tools/make_splits.py', SPLITS / 'camvid/train.txt']
    subprocess.run([*command, '--out', tmp_path, *subsets], check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(made) == 12
    assert all(content == (SPLITS / 'camvid' / name).read_bytes() for name, content in made.items())


def test_fine_label_share_tells_cps_from_u2pl():
    """The README's warning: 93 of CPS' 662 VOC images are finely labeled, all of U2PL's are."""
    fine = ids_of('voc/train.txt')
    assert len(ids_of('voc/cps/1-16.txt') & fine) == 93
    assert len(ids_of('voc/u2pl/662.txt') & fine) == 662
    assert len(ids_of('voc/cps/1-16.txt') & ids_of('voc/u2pl/662.txt')) == 43


def test_names_resolve_from_any_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = str(SPLITS / 'camvid/8_draw0.txt')
    assert find_split('camvid/8_draw0.txt') == expected
    assert find_split('configs/splits/camvid/8_draw0.txt') == expected
    Path('mine.txt').write_text('a\n')
    assert find_split('mine.txt') == os.path.realpath('mine.txt')
    assert list_name(find_split('mine.txt')) == 'mine.txt'
    assert list_name(expected) == 'camvid/8_draw0.txt'


def test_errors_name_the_list_and_the_fix(tmp_path):
    with pytest.raises(DatasetError, match=r"named 'camvid/1-17.txt'(.|\n)*configs/splits/README.md"):
        find_split('camvid/1-17.txt')
    (tmp_path / 'empty.txt').write_text('\n')
    with pytest.raises(DatasetError, match=r'empty\.txt: the list is empty. Write one image id'):
        read_ids(str(tmp_path / 'empty.txt'))


def test_every_config_names_a_list_that_exists():
    """By text: parsing all configs is another test's business."""
    named = {}
    for config in (ROOT / 'configs').rglob('*.py'):
        for name in re.findall(r"(?:split|exclude|ann_file)='([\w/.-]+\.txt)'", config.read_text()):
            named.setdefault(name, config.name)
    assert len(named) > 15
    host = {'ImageSets/Segmentation/val.txt'}  # comes with VOC itself
    assert not {name: config for name, config in named.items() if name not in {*INDEX, *host}}


@pytest.mark.parametrize(
    ('content', 'subset', 'message'),
    [
        ('a\nb\na\n', 's=1', "line 3: 'a' is already in line 1"),
        ('a\nb\n', 's=3', r'must be in \[1, 2\]'),
        ('a\nb\n', 's', '--subset s: give a name and a number'),
        (None, 's=1', 'there is no list'),
    ],
)
def test_make_splits_refuses_in_one_line(tmp_path, monkeypatch, content, subset, message):
    tool = load_tool('make_splits')
    if content:
        (tmp_path / 'list.txt').write_text(content)
    monkeypatch.setattr(sys, 'argv', ['x', str(tmp_path / 'list.txt'), '--out', str(tmp_path), '--subset', subset])
    with pytest.raises((DatasetError, UserError), match=message):
        tool.main()
