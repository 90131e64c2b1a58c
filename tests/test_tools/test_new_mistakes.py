"""``tools/new.py``: what a user probably did not mean is said, or refused; nothing of it goes on without a word."""

import re

import numpy as np
import pytest
from load_tool import load_tool
from PIL import Image
from user_folders import COLORS, draw, scene, with_palettes, write

from mmseg_ssl.tooling.cli import UserError, load_config
from mmseg_ssl.tooling.new_project import Inputs, look_and_decide
from mmseg_ssl.tooling.new_project.class_names import Name
from mmseg_ssl.tooling.new_project.machine import Machine

CPU = Machine('', 8 << 30, 4, False)


@pytest.fixture(scope='module')
def tool():
    return load_tool('new')


def test_what_is_probably_a_mistake_is_said(tmp_path):
    """Masks without an image, ends that may be classes, colors that hardly differ, values that are nowhere."""
    draw(tmp_path, 4, 2, change=lambda mask: COLORS[mask])
    write(tmp_path / 'masks/gone.png', scene(0)[1])
    (tmp_path / 'masks/photo1.png').rename(tmp_path / 'masks/photo1_cat.png')
    near = COLORS[scene(3)[1]]
    near[:9] += 1
    write(tmp_path / 'masks/photo3.png', near)
    inputs = Inputs(tmp_path / 'photos', tmp_path / 'masks', ignored=((9, 9, 9),))
    said = '\n'.join(look_and_decide(inputs, CPU).warnings)
    for text in (
        '1 of 5 files in .* the name of no image .* gone.png',
        r'go on in 2 ways behind that of the image \(3 "", 1 "_cat"\)',
        r'colors \(0, 0, 0\) and \(1, 1, 1\) are hardly different',
        r'--ignore \(9, 9, 9\): no mask has it',
    ):
        assert re.search(text, said), (text, said)


def test_a_mask_of_ignored_pixels_is_said(tmp_path):
    draw(tmp_path, 4, 0)
    write(tmp_path / 'masks/photo1.png', np.full((48, 64), 255, np.uint8))
    said = look_and_decide(Inputs(tmp_path / 'photos', tmp_path / 'masks'), CPU).warnings
    assert re.search(r'1 mask\(s\) have no pixel of a class, the first is .*photo1.png', '\n'.join(said))
    for number in range(4):
        write(tmp_path / f'masks/photo{number}.png', np.full((48, 64), 255, np.uint8))
    with pytest.raises(UserError, match='all 4 masks together have the values 255, which is 0 class'):
        look_and_decide(Inputs(tmp_path / 'photos', tmp_path / 'masks'), CPU)


@pytest.mark.parametrize(
    ('values', 'options', 'warned'),
    [((0, 1, 254), {}, True), ((0, 1, 254), dict(scribbles=True), False), ((0, 253, 254), {}, False)],
)
def test_pixels_that_nobody_labeled_are_not_a_class_without_a_word(tmp_path, values, options, warned):
    """254 is what this package writes there; as a class, it would be predicted nearly everywhere."""
    draw(tmp_path, 4, 0, change=lambda mask: np.array(values, np.uint8)[mask])
    said = look_and_decide(Inputs(tmp_path / 'photos', tmp_path / 'masks', **options), CPU).warnings
    assert bool(re.search("'class_254' is the value 254.*--scribbles, or --ignore 254", '\n'.join(said))) is warned


def test_folders_that_would_be_read_twice_are_refused(tmp_path):
    draw(tmp_path, 2, 2)
    (tmp_path / 'photos/more').mkdir()
    for other, said in (
        ('photos', 'is or lies in'),
        ('photos/more', 'is or lies in'),
        ('.', 'holds the folder of --im'),
    ):
        with pytest.raises(UserError, match=said):
            look_and_decide(Inputs(tmp_path / 'photos', tmp_path / 'masks', unlabeled=tmp_path / other), CPU)


def test_colors_that_the_masks_do_not_have_are_said(tmp_path):
    """A palette with another color is an error that names a mask; plain values have none, so the order decides."""
    draw(tmp_path, 4, 0)
    names = (Name('sky', (0, 0, 0)), Name('sign', (30, 200, 30)), Name('wall', (9, 9, 9)))
    inputs = Inputs(tmp_path / 'photos', tmp_path / 'masks', names=names)
    said = '\n'.join(look_and_decide(inputs, CPU).warnings)
    assert 'The masks hold values, not the colors of --classes, whose order decides' in said
    with_palettes(tmp_path, lambda number: [0, 1, 2])
    wanted = r'masks/photo0.png: its palette has the color 200,30,30 .* Add a line "name: 200,30,30", or leave it out: '
    write(tmp_path / 'masks/photo3.png', scene(3)[1])
    said = '\n'.join(look_and_decide(inputs._replace(names=()), CPU).warnings)
    assert re.search('photo0.png has a palette, .*photo3.png has none, and both are taken by index', said)
    with_palettes(tmp_path, lambda number: [0, 1, 2])
    with pytest.raises(UserError, match=wanted + '--ignore 200,30,30. If the indices count, leave the colors out'):
        look_and_decide(inputs, CPU)


def test_groups_that_are_nowhere_are_an_error(tool, tmp_path, capsys):
    draw(tmp_path, 2, 2)
    with pytest.raises(UserError, match='--groups patient finds nothing in the name of any image, such as photo0'):
        look_and_decide(Inputs(tmp_path / 'photos', tmp_path / 'masks', groups='patient'), CPU)
    words = ['--images', str(tmp_path / 'photos'), '--masks', str(tmp_path / 'masks')]
    with pytest.raises(SystemExit):
        tool.main([str(tmp_path / 'mine'), *words, '--groups', '('])
    assert "--groups: '(' is no regular expression" in capsys.readouterr().err
    with pytest.raises(UserError, match='has a quote in its path'):
        tool.main([str(tmp_path / "it's mine"), *words])


@pytest.mark.parametrize('kind', ['gray float', 'mixed'])
def test_deep_images(tool, tmp_path, kind, capsys):
    """Gray TIFF of floats with "no data" failed; images of 8 bits beside 16 became black."""
    draw(tmp_path, 4, 0, suffix='.tif')
    for number in range(4 if kind == 'gray float' else 2):
        image = scene(number)[0]
        gray = image[..., 0].astype(np.float32) * 4
        gray[:3] = np.nan
        write(tmp_path / f'photos/photo{number}.tif', gray if kind == 'gray float' else image.astype(np.uint16) * 257)
    tool.main([str(tmp_path / 'mine 1'), '--images', str(tmp_path / 'photos'), '--masks', str(tmp_path / 'masks')])
    load = load_config(str(tmp_path / 'mine 1/config.py')).train_dataloader.dataset.labeled.pipeline[0]
    deep = dict(type='LoadDeepImage', max_value=1023)
    assert dict(load) == (deep if kind == 'gray float' else dict(type='LoadImageFromFile'))
    assert f"mmseg-ssl train '{tmp_path}/mine 1/config.py'" in capsys.readouterr().out


def test_the_range_of_deep_images_is_that_of_all_sessions(tool, tmp_path):
    """The last by name are twice as bright; of 70 images the first 64 once spoke for all."""
    for number in range(70):
        pixels, mask = scene(number)
        deep = pixels[..., 0].astype(np.uint16) * (8 if number >= 66 else 4)
        write(tmp_path / f'photos/s{number:03d}.png', deep)
        write(tmp_path / f'masks/s{number:03d}.png', mask)
    tool.main([str(tmp_path / 'mine'), '--images', str(tmp_path / 'photos'), '--masks', str(tmp_path / 'masks')])
    load = load_config(str(tmp_path / 'mine/config.py')).train_dataloader.dataset.labeled.pipeline[0]
    assert dict(load) == dict(type='LoadDeepImage', max_value=2047)


def test_rotated_images_whose_masks_may_not_be_are_named(tool, tmp_path, capsys):
    draw(tmp_path, 4, 0)
    path, exif = tmp_path / 'photos/photo0.jpg', Image.Exif()
    exif[0x0112] = 3
    with Image.open(path) as image:
        image.save(path, exif=exif)
    tool.main([str(tmp_path / 'mine'), '--images', str(tmp_path / 'photos'), '--masks', str(tmp_path / 'masks')])
    assert 'photo0.jpg: the loader rotates it by its EXIF orientation 3, but not the mask' in capsys.readouterr().out
