"""The tool writes whole folders, the same for any number of workers, and refuses what it cannot read."""

import runpy
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.tooling.annotate import WeakAnnotator
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.mask_folders import annotate_folder


@pytest.fixture
def masks(tmp_path):
    """Six masks of three classes in folders of cities, with the names of Cityscapes, and a picture beside each."""
    source = tmp_path / 'gtFine/train'
    for number in range(6):
        mask = np.zeros((48, 64), np.uint8)
        mask[24:, 8 * number :] = 1
        mask[:20, 40:] = 2
        mask[:2] = 255
        folder = source / 'ab'[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f'{number}_gtFine_labelTrainIds.png'), mask)
        cv2.imwrite(str(folder / f'{number}_gtFine_color.png'), np.zeros((48, 64, 3), np.uint8))
    return source


@pytest.fixture
def tool(root):
    return runpy.run_path(str(root / 'tools/make_scribbles.py'))['main']


def contents(folder) -> dict:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_names_stay_and_the_summary_is_counted(masks, tmp_path, tool, capsys):
    args = [str(masks), str(tmp_path / 'out'), '--suffix', '_labelTrainIds.png', '--num-classes', '3']
    tool(args)
    made = contents(tmp_path / 'out')
    assert set(made) == {name for name in contents(masks) if name.endswith('TrainIds.png')}
    weak = [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_UNCHANGED) for one in made.values()]
    assert all(set(np.unique(one)) == {0, 1, 2, 254, 255} for one in weak)
    labeled = np.concatenate([one[one < 254] for one in weak])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f'6 masks, {labeled.size / (6 * 48 * 64):.2%} of the pixels labeled'
    assert [line.split()[0] for line in lines[2:]] == ['0', '1', '2']
    assert lines[3].split()[1] == f'{(labeled == 1).mean():.2%}'
    assert lines[4].split()[2] == f'{(labeled == 2).sum() / (6 * 18 * 24):.2%}'


def test_classes_that_no_mask_has_are_named(masks, tmp_path, tool, capsys):
    """A wrong number would leave masks without a scribble, and say nothing."""
    for name, classes, last in [('one', ['2'], '    2 '), ('two', ['2', '30', '7'], '--classes: no mask has 7, 30')]:
        tool([str(masks), str(tmp_path / name), '--suffix', '_labelTrainIds.png', '--classes', *classes])
        assert capsys.readouterr().out.splitlines()[-1].startswith(last)


@pytest.mark.parametrize('kind', ['scribble', 'block'])
def test_any_number_of_workers_writes_the_same(masks, tmp_path, kind):
    annotator = WeakAnnotator(kind=kind, block=8)
    one = annotate_folder(annotator, masks, tmp_path / 'one', '_labelTrainIds.png', workers=1)
    two = annotate_folder(annotator, masks, tmp_path / 'two', '_labelTrainIds.png', workers=2)
    assert contents(tmp_path / 'one') == contents(tmp_path / 'two')
    assert (one.labeled == two.labeled).all() and one.images == two.images == 6
    annotate_folder(annotator._replace(seed=1), masks, tmp_path / 'other', '_labelTrainIds.png')
    assert contents(tmp_path / 'one') != contents(tmp_path / 'other')


def test_zero_label_is_reduced_as_the_host_does(tmp_path):
    """0 becomes void, 1 becomes 0, 3 becomes 2."""
    (tmp_path / 'in').mkdir()
    full = np.repeat(np.arange(4, dtype=np.uint8), 16)[None].repeat(40, axis=0)
    cv2.imwrite(str(tmp_path / 'in/a.png'), full)
    annotator = WeakAnnotator(kind='block', share=1.0, reduce_zero_label=True, num_classes=3)
    annotate_folder(annotator, tmp_path / 'in', tmp_path / 'out')
    weak = cv2.imread(str(tmp_path / 'out/a.png'), cv2.IMREAD_UNCHANGED)
    assert weak[0, ::16].tolist() == [255, 0, 1, 2]
    with pytest.raises(DatasetError, match='holds the index 3, expected classes below 2'):
        annotate_folder(annotator._replace(num_classes=2), tmp_path / 'in', tmp_path / 'no')


def test_a_folder_that_is_not_empty_is_kept(masks, tmp_path, tool):
    args = [str(masks), str(tmp_path / 'out'), '--suffix', '_labelTrainIds.png']
    tool(args)
    before = contents(tmp_path / 'out')
    with pytest.raises(DatasetError, match='out is not empty. Choose another folder, or give --overwrite'):
        tool([*args, '--ratio', '0'])
    assert contents(tmp_path / 'out') == before
    tool([*args, '--ratio', '0', '--overwrite'])
    assert contents(tmp_path / 'out') != before


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--suffix', '.bmp'], "ends in '.bmp'. Correct the folder or --suffix"),
        (['--suffix', '_color.png'], r'shape \(48, 64, 3\), uint8. Convert colors(.|\n)*_gtFine_labelTrainIds.png'),
        (['--suffix', 'TrainIds.png', '--num-classes', '2'], 'holds the index 2, expected classes below 2 and 255'),
        (['--suffix', 'TrainIds.png', '--ignore-index', '0'], None),
    ],
)
def test_unreadable_masks_are_named(masks, tmp_path, tool, options, message):
    args = [str(masks), str(tmp_path / 'out'), *options]
    if message is None:  # 255 is no class then, but void all the same
        tool(args)
        return
    with pytest.raises(DatasetError, match=message):
        tool(args)


def test_other_bad_input(masks, tmp_path, tool):
    with pytest.raises(DatasetError, match='No folder of masks: .*nowhere'):
        tool([str(tmp_path / 'nowhere'), str(tmp_path / 'out')])
    with pytest.raises(DatasetError, match='whose masks it would mix with'):
        tool([str(masks), str(masks / 'out')])
    (masks / 'a/bad_labelTrainIds.png').write_bytes(b'no image')
    with pytest.raises(DatasetError, match='bad_labelTrainIds.png: cannot be decoded'):
        tool([str(masks), str(tmp_path / 'out'), '--suffix', '_labelTrainIds.png'])
    wrong = dict(ratio='2', width='0', share='0', block='0', workers='0') | {'ignore-index': '256'}
    for name, value in wrong.items():
        with pytest.raises(UserError, match=rf'--{name} must be in \[.*\], got {value}'):
            tool([str(masks), str(tmp_path / 'out'), f'--{name}', value])


def test_the_command_line_shows_errors_without_a_traceback(root, tmp_path):
    command = [sys.executable, root / 'tools/make_scribbles.py', tmp_path / 'nowhere', tmp_path / 'out']
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert 'No folder of masks' in result.stderr and 'Traceback' not in result.stderr
