"""It writes the folders that the configs read, in the form of the given masks, and refuses what are no scribbles."""

import runpy

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_ssl.datasets import DatasetError, LoadScribbles
from mmseg_ssl.tooling.cli import UserError


@pytest.fixture
def tool(root):
    return runpy.run_path(str(root / 'tools/shorten_scribbles.py'))['main']


@pytest.fixture
def scribbles(tmp_path):
    """Two masks as ScribbleSup's, 255 without a scribble; one has a palette, one no scribble."""
    folder = tmp_path / 'pascal_2012_scribble'
    folder.mkdir()
    mask = np.full((40, 140), 255, np.uint8)
    mask[10:13, 20:121], mask[30:33, 40:60] = 4, 0
    image = Image.fromarray(mask, mode='P')
    image.putpalette(list(range(256)) * 3)
    image.save(folder / '2007_000001.png')
    cv2.imwrite(str(folder / '2007_000002.png'), np.full((40, 140), 255, np.uint8))
    return folder


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_a_folder_for_each_length_of_the_configs(scribbles, tool, capsys):
    """Named as ``_base_/datasets/voc_scribble.py`` and its configs have them, and read with its options."""
    load = LoadScribbles(unlabeled_value=255, void_value=None)
    for length in ('0.8', '0.5', '0.3', '0'):
        out = scribbles.with_name(f'pascal_2012_scribble_length-{length}')
        tool([str(scribbles), str(out), '--ratio', length, '--unlabeled-value', '255', '--num-classes', '21'])
        assert {path.name for path in out.iterdir()} == {'2007_000001.png', '2007_000002.png'}
        short = read(out / '2007_000001.png')
        assert set(np.unique(short)) == {0, 4, 255} and (read(out / '2007_000002.png') == 255).all()
        assert (short == 4).sum() == pytest.approx(max(303 * float(length), 9), abs=3)
        content = (out / '2007_000001.png').read_bytes()
        assert (load.decode(content, '2007_000001.png') == short).all()
        assert capsys.readouterr().out.startswith('2 masks: ')


def test_what_is_left_is_counted(scribbles, tmp_path, tool, capsys):
    """9 of 303 and 9 of 60 pixels, of 2 x 40 x 140."""
    tool([str(scribbles), str(tmp_path / 'dots'), '--ratio', '0', '--unlabeled-value', '255'])
    said = '2 masks: 5.0% of the scribbled pixels left, 0.16% of all instead of 3.24%.'
    assert capsys.readouterr().out.strip() == said


def test_any_number_of_workers_writes_the_same(scribbles, tmp_path, tool):
    for workers in '12':
        options = ['--ratio', '0.5', '--unlabeled-value', '255', '--workers', workers]
        tool([str(scribbles), str(tmp_path / workers), *options])
    for path in (tmp_path / '1').iterdir():
        assert path.read_bytes() == (tmp_path / '2' / path.name).read_bytes()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], r'no pixel is unlabeled \(index 254\)(.|\n)*--unlabeled-value 255(.|\n)*make_scribbles.py'),
        (['--unlabeled-value', '255', '--num-classes', '4'], 'holds the index 4, expected classes below 4'),
        (['--unlabeled-value', '255', '--suffix', '.xml'], "ends in '.xml'. Correct the folder or --suffix"),
    ],
)
def test_masks_that_are_no_scribbles_are_named(scribbles, tmp_path, tool, options, message):
    with pytest.raises(DatasetError, match=message):
        tool([str(scribbles), str(tmp_path / 'out'), '--ratio', '0.5', *options])


def test_other_bad_input(scribbles, tmp_path, tool):
    out = str(tmp_path / 'out')
    with pytest.raises(UserError, match=r'--ratio is the share of the length that stays, in \[0, 1\], got 30'):
        tool([str(scribbles), out, '--ratio', '30'])
    with pytest.raises(UserError, match='--workers must be at least 1, got 0'):
        tool([str(scribbles), out, '--ratio', '1', '--workers', '0'])
    with pytest.raises(DatasetError, match='No folder of masks: .*nowhere'):
        tool([str(tmp_path / 'nowhere'), out, '--ratio', '1'])
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/mine.png').touch()
    with pytest.raises(DatasetError, match='is not empty'):
        tool([str(scribbles), out, '--ratio', '1', '--unlabeled-value', '255'])
