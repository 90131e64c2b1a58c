"""``tools/new.py``: a project from a user's folders, as a whole."""

import json
import re
import shutil

import cv2
import numpy as np
import pytest
from browser import open_page, require_readable
from mmseg.registry import MODELS
from PIL import Image
from toy_process import output, train
from user_folders import COLORS, content, draw, scene, with_palettes, write

from mmseg_ssl.tooling.cli import UserError, load_config
from mmseg_ssl.tooling.new_project import Inputs, look_and_decide, write_project
from mmseg_ssl.tooling.new_project.machine import Machine

CPU = Machine('', 8 << 30, 4, False)


@pytest.fixture(autouse=True)
def without_collection(monkeypatch):
    """A dataset collects garbage before it serializes its list: seconds in a process of tests."""
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc.collect', lambda: 0)


def make(tool, root, *options):
    """Run the tool on ``photos`` and ``masks``; return the project's folder."""
    tool.main([str(root / 'mine'), '--images', str(root / 'photos'), '--masks', str(root / 'masks'), *options])
    return root / 'mine'


def ids(project, name):
    return (project / 'splits' / f'{name}.txt').read_text().split()


def masks_of(project):
    """Masks that the config reads, by image id."""
    labeled = load_config(str(project / 'config.py')).train_dataloader.dataset.labeled
    folder = labeled.data_prefix.seg_map_path
    return {one: np.array(Image.open(f'{folder}/{one}{labeled.seg_map_suffix}')) for one in ids(project, 'labeled')}


def test_a_project_is_complete_and_nothing_else_changes(tool, tmp_path, capsys):
    """The tool itself ends with the check of the config's data, as ``mmseg-ssl check`` makes it."""
    draw(tmp_path)
    before = content(tmp_path)
    project = make(tool, tmp_path)
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {name.split('/')[1] for name in after if name not in before} == {
        *('classes.json', 'config.py', 'data.html', 'data.py', 'splits'),
    }
    labeled, val, unlabeled = (ids(project, name) for name in ('labeled', 'val', 'unlabeled'))
    assert len(labeled) == 8 and len(val) == 2 and len(unlabeled) == 16
    assert sorted([*labeled, *val, *unlabeled]) == sorted(f'photo{number}' for number in range(26))
    config = (project / 'config.py').read_text()
    assert len(config.splitlines()) <= 15 and max(map(len, config.splitlines())) <= 120
    assert len(re.findall(r'# ', config)) >= 5  # reasons
    cfg = load_config(str(project / 'config.py'))
    assert cfg.model.type == 'DUEB' and cfg.model.segmentor.decode_head.num_classes == 3
    assert cfg.work_dir == str(project / 'run')
    assert '8 images with masks' in capsys.readouterr().out


def test_a_project_is_never_overwritten(tool, tmp_path):
    draw(tmp_path, 4, 0)
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'notes.txt').write_text('mine')
    with pytest.raises(UserError, match='mine exists'):
        make(tool, tmp_path)
    assert content(tmp_path / 'mine') == {'notes.txt': b'mine'}
    assert sorted(path.name for path in tmp_path.iterdir()) == ['masks', 'mine', 'photos']  # no partial folder


def test_a_project_may_move(tool, tmp_path):
    project = make(tool, draw(tmp_path, change=lambda mask: mask * 100))
    moved = tmp_path / 'elsewhere' / 'other'
    moved.parent.mkdir()
    shutil.move(str(project), str(moved))
    cfg = load_config(str(moved / 'config.py'))
    assert cfg.train_dataloader.dataset.split == str(moved / 'splits/labeled.txt')
    assert cfg.train_dataloader.dataset.labeled.data_prefix.seg_map_path == str(moved / 'masks')


@pytest.mark.parametrize(
    ('change', 'values'),
    [
        (lambda mask: np.where(mask == 2, 255, 0).astype(np.uint8), [0, 0, 1]),
        (lambda mask: COLORS[mask][..., ::-1], [0, 2, 1]),  # as OpenCV writes colors; green comes before red
        (lambda mask: np.repeat(mask[..., None], 3, axis=2), [0, 1, 2]),
        (lambda mask: np.array([0, 7, 255], np.uint8)[mask], [0, 1, 255]),
        (lambda mask: np.array([0, 1000, 2000], np.uint16)[mask], [0, 1, 2]),
        (lambda mask: cv2.GaussianBlur(np.where(mask == 2, 255, 0).astype(np.uint8), (3, 3), 0), None),
    ],
    ids=['0 and 255', 'colors', 'gray in three channels', 'gaps', '16 bits', 'smoothed'],
)
def test_masks_become_indices(tool, tmp_path, change, values):
    project = make(tool, draw(tmp_path, change=change))
    for name, mask in masks_of(project).items():
        true = scene(int(name[5:]))[1]
        if values is None:  # cut in the middle: all but a few corners of the square are as before
            assert set(np.unique(mask)) == {0, 1} and ((mask == 1) != (true == 2)).sum() <= 4
        else:
            np.testing.assert_array_equal(mask, np.array(values, np.uint8)[true])


def test_names_without_colors_are_said_beside_them(tool, tmp_path, capsys):
    """They go to the colors in ascending order, which a user cannot know."""
    make(tool, draw(tmp_path, change=lambda mask: COLORS[mask][..., ::-1]), '--classes', 'sky,sign,wall')
    assert 'sky is 0,0,0, sign is 30,200,30, wall is 200,30,30. If not so: --classes FILE' in capsys.readouterr().out


def test_a_file_says_names_and_colors(tool, tmp_path):
    """CVAT's form; the order is that of the file, and a class that no mask shows keeps its number."""
    draw(tmp_path, change=lambda mask: COLORS[mask][..., ::-1])
    lines = ['# label:color_rgb:parts:actions', 'sign:30,200,30::', 'none: 1,2,3::', 'wall:200,30,30::', 'sky:0,0,0::']
    (tmp_path / 'labelmap.txt').write_text('\n'.join(lines))
    project = make(tool, tmp_path, '--classes', str(tmp_path / 'labelmap.txt'))
    for name, mask in masks_of(project).items():
        np.testing.assert_array_equal(mask, np.array([3, 2, 0])[scene(int(name[5:]))[1]])
    meaning = json.loads((project / 'classes.json').read_text())['classes']
    assert [one['name'] for one in meaning] == ['sign', 'none', 'wall', 'sky'] and meaning[2]['color'] == [200, 30, 30]


@pytest.mark.parametrize(
    ('order', 'named', 'values', 'said'),
    [
        (lambda number: [0, 1, 2], True, [2, 1, 0], ''),
        (lambda number: [2, 0, 1] if number % 2 else [0, 1, 2], True, [2, 1, 0], ''),
        (lambda number: [0, 1, 2], False, [0, 1, 2], ''),  # VOC's form: the indices are the classes
        (lambda number: [2, 0, 1] if number % 2 else [0, 1, 2], False, [0, 2, 1], 'two colors for one index'),
    ],
    ids=['one order, colors named', 'several orders, colors named', 'one order', 'several orders'],
)
def test_masks_with_palettes(tool, tmp_path, capsys, order, named, values, said):
    """Which color is which class says the user's file; an editor that saves small files orders each palette anew."""
    with_palettes(draw(tmp_path, 6, 2), order)
    (tmp_path / 'names.txt').write_text('sign: 30,200,30\nwall: 200,30,30\nsky: 0,0,0\n')
    project = make(tool, tmp_path, *(['--classes', str(tmp_path / 'names.txt')] if named else []))
    for name, mask in masks_of(project).items():
        np.testing.assert_array_equal(mask, np.array(values)[scene(int(name[5:]))[1]])
    assert said in capsys.readouterr().out


@pytest.mark.parametrize('channels', [1, 3])
def test_black_and_white_are_colors_where_a_file_names_them(tool, tmp_path, channels):
    """The first line once was black, whatever it said."""
    draw(tmp_path, 4, 0, change=lambda mask: np.dstack([np.where(mask == 2, 255, 0).astype(np.uint8)] * channels))
    (tmp_path / 'names.txt').write_text('sign: 255,255,255\nother: 0,0,0\n')
    project = make(tool, tmp_path, '--classes', str(tmp_path / 'names.txt'))
    for name, mask in masks_of(project).items():
        np.testing.assert_array_equal(mask, np.where(scene(int(name[5:]))[1] == 2, 0, 1))


def test_what_is_ignored(tool, tmp_path):
    project = make(tool, draw(tmp_path, change=lambda mask: COLORS[mask][..., ::-1]), '--ignore', '0,0,0')
    for name, mask in masks_of(project).items():
        np.testing.assert_array_equal(mask, np.array([255, 1, 0])[scene(int(name[5:]))[1]])  # green before red


def scribble(mask, unlabeled, shift):
    thin = np.full_like(mask, unlabeled)
    for row in (2, 24, 46):
        thin[row, 8:56] = mask[row, 8:56] + shift
    return thin


@pytest.mark.parametrize(('unlabeled', 'shift'), [(254, 0), (255, 0), (0, 1)], ids=['ours', 'ScribbleSup', 'zero'])
def test_scribbles(tool, tmp_path, unlabeled, shift):
    """Three conventions; only where zero means unlabeled are the masks written anew."""
    project = make(tool, draw(tmp_path, change=lambda mask: scribble(mask, unlabeled, shift)), '--scribbles')
    cfg = load_config(str(project / 'config.py'))
    assert cfg.model.type == 'SoftSelfLabeling' and (project / 'masks').exists() == (shift == 1)
    loader = cfg.train_dataloader.dataset.labeled.pipeline[1]
    assert loader.type == 'LoadScribbles' and loader.get('unlabeled_value', 254) == (255 if unlabeled == 255 else 254)
    if shift:
        for name, mask in masks_of(project).items():
            np.testing.assert_array_equal(mask, scribble(scene(int(name[5:]))[1], 254, 0))
    assert '16 images without scribbles are not used' in (project / 'data.html').read_text()


@pytest.mark.parametrize('ignored', ['0', '255', '0,0,0'])
def test_pixels_without_a_scribble_are_unlabeled_though_a_user_ignores_them(tool, tmp_path, capsys, ignored):
    """Who is told about black masks gives --ignore first, then --scribbles: no class may become 'not labeled'."""
    unlabeled, shift = (255, 0) if ignored == '255' else (0, 1)
    paints = np.array([(0, 0, 0), (200, 30, 30), (30, 200, 30), (30, 30, 200)], np.uint8)  # red is the last in order

    def change(mask):
        thin = scribble(mask, unlabeled, shift)
        return paints[thin][..., ::-1] if ',' in ignored else thin

    project = make(tool, draw(tmp_path, change=change), '--scribbles', '--ignore', ignored)
    loader = load_config(str(project / 'config.py')).train_dataloader.dataset.labeled.pipeline[1]
    order = np.arange(256)
    order[[0, 2]] = (2, 0) if ',' in ignored else (0, 2)
    for name, mask in masks_of(project).items():
        wanted = order[scribble(scene(int(name[5:]))[1], loader.get('unlabeled_value', 254), 0)]
        np.testing.assert_array_equal(mask, wanted)
    assert 'so it is taken for "not labeled"' in capsys.readouterr().out


def test_broken_files_are_left_out_and_named(tool, tmp_path, capsys):
    draw(tmp_path)
    photos, masks = tmp_path / 'photos', tmp_path / 'masks'
    whole = (photos / 'photo0.jpg').read_bytes()
    (photos / 'photo0.jpg').write_bytes(whole[: len(whole) // 2])
    (photos / 'photo12.jpg').write_text('no image')
    (masks / 'photo1.png').write_bytes((masks / 'photo1.png').read_bytes()[:60])
    write(masks / 'photo2.png', scene(2)[1][:-3])
    cv2.imwrite(str(tmp_path / 'lossy.jpg'), scene(3)[1])
    shutil.move(tmp_path / 'lossy.jpg', masks / 'photo3.png')
    project = make(tool, tmp_path)
    used = {one for name in ('labeled', 'val', 'unlabeled') for one in ids(project, name)}
    assert used == {f'photo{number}' for number in range(26)} - {'photo0', 'photo1', 'photo2', 'photo3', 'photo12'}
    said = capsys.readouterr().out
    assert '5 image(s) cannot be used' in said and 'photo2.png is 64x45, the image 64x48' in said
    for text in ('photo0.jpg', 'photo12.jpg', 'photo1.png', 'photo3.png is JPEG'):
        assert text in said and text in (project / 'data.html').read_text()


def test_only_broken_masks_are_an_error(tool, tmp_path):
    draw(tmp_path, 2, 2)
    for path in (tmp_path / 'masks').iterdir():
        path.write_text('no image')
    with pytest.raises(UserError, match=r'no image with a mask can be used:\n.*photo0\.png cannot be decoded'):
        make(tool, tmp_path)
    assert not (tmp_path / 'mine').exists()


def test_suffixes_of_images_may_differ(tool, tmp_path):
    """Masks then get new names, because a dataset has one suffix."""
    draw(tmp_path, 4, 4)
    draw(tmp_path, 4, 4, name='other{}', suffix='.png')
    project = make(tool, tmp_path)
    assert {one.rpartition('.')[2] for one in ids(project, 'unlabeled')} == {'jpg', 'png'}
    for name, mask in masks_of(project).items():
        np.testing.assert_array_equal(mask, scene(int(re.sub(r'\D', '', name)))[1])


def test_a_second_folder_of_images(tool, tmp_path):
    """Its copy of an image for validation is left out."""
    draw(tmp_path, 6, 6)
    project = make(tool, tmp_path)
    copied = cv2.imread(str(tmp_path / 'photos' / f'{ids(project, "val")[0]}.jpg'))
    shutil.rmtree(project)
    write(tmp_path / 'more' / 'copy.jpg', cv2.resize(copied, (80, 60)))
    for number in range(40, 48):
        write(tmp_path / 'more' / f'photo{number}.jpg', scene(number)[0])
    project = make(tool, tmp_path, '--unlabeled', str(tmp_path / 'more'))
    assert len(ids(project, 'unlabeled')) == 6
    assert ids(project, 'unlabeled2') == [f'photo{number}' for number in range(40, 48)]
    assert 'as an image for validation' in (project / 'data.html').read_text()


def test_the_page_needs_no_network_and_trusts_no_name(tool, tmp_path):
    draw(tmp_path, name='a&lt;{}')
    project = make(tool, tmp_path, '--classes', 'sky,<script>,car')
    page = (project / 'data.html').read_text()
    assert not re.search(r'(?:src|href)="(?!data:)', page) and '<script' not in page
    assert page.count('&lt;script&gt;') >= 2 and 'a&amp;lt;' in page and page.count('data:image/jpeg') >= 20


@pytest.mark.slow
@pytest.mark.parametrize('width', [1280, 390])
def test_the_page_in_a_browser(tool, tmp_path, width):
    draw(tmp_path)
    (tmp_path / 'photos' / 'photo12.jpg').write_text('no image')
    write(tmp_path / 'photos/copy.jpg', cv2.imread(str(tmp_path / 'photos/photo2.jpg')))
    project = make(tool, tmp_path, '--classes', 'a_class_of_a_very_long_name_indeed and with words,wall,car')
    with open_page(f'file://{project}/data.html', width) as page:
        require_readable(page)
        table = page.locator('.wide').evaluate('one => one.scrollWidth - one.clientWidth')
        assert table == 0, 'a column of numbers is out of sight'
        assert page.locator('.notice').count() == 1 and page.locator('figure').count() == 11


@pytest.mark.parametrize('kind', ['full', 'scribbles', 'alone'])
def test_configs_for_a_gpu_are_sound(tmp_path, kind):
    """They can be built, with what DINOv2's package is needed for left out; nobody has trained them here."""
    change = (lambda mask: scribble(mask, 254, 0)) if kind == 'scribbles' else (lambda mask: mask)
    draw(tmp_path, 8, 0 if kind == 'alone' else 16, change=change)
    machine = Machine('a GPU', 8 << 30, 4, False)
    inputs = Inputs(tmp_path / 'photos', tmp_path / 'masks', scribbles=kind == 'scribbles')
    write_project(look_and_decide(inputs, machine), tmp_path / 'mine', machine)
    assert len((tmp_path / 'mine/config.py').read_text().splitlines()) <= 15
    cfg = load_config(str(tmp_path / 'mine/config.py'))
    wanted = dict(full='UniMatchV2', scribbles='SoftSelfLabeling', alone='Supervised')[kind]
    assert type(MODELS.build(cfg.model)).__name__ == wanted
    assert cfg.model.segmentor.decode_head.num_classes == 3 and cfg.train_cfg.max_iters == 4000


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['full', 'binary', 'scribbles', 'alone'])
def test_a_project_trains(tool, tmp_path, kind):
    changes = dict(binary=lambda mask: np.where(mask == 2, 255, 0).astype(np.uint8))
    changes['scribbles'] = lambda mask: scribble(mask, 254, 0)
    draw(tmp_path, plain=0 if kind == 'alone' else 16, change=changes.get(kind, lambda mask: mask))
    project = make(tool, tmp_path, *(['--scribbles'] if kind == 'scribbles' else []))
    code = train(project / 'config.py', project / 'run', '--cfg-options', 'train_cfg.max_iters=2')
    assert code == 0, output(project / 'run')
    assert 'mIoU' in output(project / 'run') and (project / 'run/iter_2.pth').is_file()
