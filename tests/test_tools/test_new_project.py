"""The parts of a new project: pairs of images and masks, neighbors, sides, and choices."""

import numpy as np
import pytest
from mmengine.config import Config
from user_folders import content, draw, scene, write

from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.new_project.class_names import distinct_colors, read_names
from mmseg_ssl.tooling.new_project.labels import Labels
from mmseg_ssl.tooling.new_project.look import look_at
from mmseg_ssl.tooling.new_project.machine import Machine
from mmseg_ssl.tooling.new_project.neighbors import alike_pairs, clusters, group_of, guess_groups
from mmseg_ssl.tooling.new_project.photos import Photo, find_photos
from mmseg_ssl.tooling.new_project.recipe import choose
from mmseg_ssl.tooling.new_project.sides import Sides, divide
from mmseg_ssl.utils.project_files import CONFIGS

CPU = Machine('', 8 << 30, 4, False)


@pytest.fixture
def tool():
    """No tool is tested here."""


@pytest.mark.parametrize('end', ['.png', '_mask.png', '-gt.tif', '.jpg.png', '_labelIds.png'])
def test_masks_are_found_by_the_names_of_their_images(tmp_path, end):
    """photo1 is not the image of photo10's mask, even where photo10 is missing."""
    draw(tmp_path, 11, 1, end=end)
    (tmp_path / 'photos/photo10.jpg').unlink()
    pairs = {photo.id: photo.mask for photo in find_photos(tmp_path / 'photos', tmp_path / 'masks')}
    assert pairs.pop('photo11') is None
    assert {name: mask.name for name, mask in pairs.items()} == {name: f'{name}{end}' for name in pairs}


def test_masks_beside_or_below_their_images(tmp_path):
    for number in range(3):
        image, mask = scene(number)
        write(tmp_path / f'beside/a/{number}.jpg', image)
        write(tmp_path / f'beside/a/{number}.png', mask)
        write(tmp_path / f'below/{number}.png', image)
        write(tmp_path / f'below/masks/{number}.png', mask)
        write(tmp_path / f'marked/{number}.png', image)
        write(tmp_path / f'marked/{number}_mask.png', mask)
    for photos, masks in (('beside', 'beside'), ('below', 'below/masks'), ('marked', 'marked')):
        found = find_photos(tmp_path / photos, tmp_path / masks)
        assert len(found) == 3 and all(photo.mask and photo.mask != photo.path for photo in found), photos


def test_pairs_that_are_not_clear_are_refused(tmp_path):
    draw(tmp_path, 2, 0)
    write(tmp_path / 'masks/photo0_color.png', scene(0)[0])
    with pytest.raises(UserError, match=r'photo0\.jpg has 2 masks: .*--mask-suffix \.png'):
        find_photos(tmp_path / 'photos', tmp_path / 'masks')
    assert find_photos(tmp_path / 'photos', tmp_path / 'masks', '.png')[0].mask.name == 'photo0.png'
    draw(tmp_path / 'b', 2, 0, end='.png')
    for path in (tmp_path / 'b/masks').iterdir():
        path.rename(path.with_name(f'mask_of_{path.name}'))
    with pytest.raises(UserError, match=r'no mask in .*there is photo0\.jpg, here mask_of_photo0\.png'):
        find_photos(tmp_path / 'b/photos', tmp_path / 'b/masks')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='holds no image'):
        find_photos(tmp_path / 'empty')
    write(tmp_path / 'b/photos/photo0.png', scene(0)[0])
    with pytest.raises(DatasetError, match='two images have the id photo0.* Rename or move one'):
        find_photos(tmp_path / 'b/photos')


def read(folder):
    photos = find_photos(folder / 'photos', folder / 'masks')
    look_at(photos)
    return photos


def three_classes():
    return Labels(['a', 'b', 'c'], [[0, 0, 0]] * 3, {0: 0, 1: 1, 2: 2}, True)


def test_near_duplicates_are_found_and_nothing_else(tmp_path):
    draw(tmp_path)
    image = scene(4)[0]
    write(tmp_path / 'photos/brighter.jpg', (image * 0.7 + 30).astype(np.uint8))
    write(tmp_path / 'photos/larger.jpg', np.kron(image, np.ones((2, 2, 1), np.uint8)))
    photos = read(tmp_path)
    pairs = {frozenset((photos[a].id, photos[b].id)) for a, b in alike_pairs(photos)}
    assert pairs == {frozenset(two) for two in (('photo4', 'brighter'), ('photo4', 'larger'), ('brighter', 'larger'))}


def test_flat_images_are_like_no_other(tmp_path):
    """Two gray frames have nothing in common, although both are a trace brighter on the right."""
    draw(tmp_path)
    for level in (90, 140):
        ramp = np.linspace(level, level + 2, 64).round().astype(np.uint8)
        write(tmp_path / f'photos/gray{level}.png', np.tile(ramp[None, :, None], (48, 1, 3)))
    photos = read(tmp_path)
    assert alike_pairs(photos) == []


def test_clusters_connect_pairs():
    assert clusters(6, [(4, 1), (1, 3), (0, 5)]) == [[0, 5], [1, 3, 4], [2]]


def video(root, names, number=6):
    """Frames of drifting scenes, named by video."""
    for seed, name in enumerate(names):
        image, mask = scene(seed, size=(96, 128))
        for frame in range(number):
            moved = np.roll(image, 3 * frame, axis=1)
            write(root / 'photos' / f'{name}{frame:03d}.jpg', moved)
            write(root / 'masks' / f'{name}{frame:03d}.png', np.roll(mask, 3 * frame, axis=1))
    return root


@pytest.mark.parametrize('form', ['clip_{}_', 'cam{}/frame', 'x{}f'])
def test_videos_are_found_and_stay_on_one_side(tmp_path, form):
    photos = read(video(tmp_path, [form.format(letter) for letter in 'abcde']))
    pattern = guess_groups(photos)
    assert pattern is not None
    sides = divide(photos, three_classes(), 0.2, None)
    held, taught = ({group_of(photo.id, pattern) for photo in some} for some in (sides.val, sides.labeled))
    assert len(sides.val) == 6 and len(held) == 1 and len(taught) == 4 and not held & taught


def test_names_that_end_in_numbers_are_no_groups_by_themselves(tmp_path):
    """As in MSRC-21, whose prefixes are kinds of scenes: a whole kind in val would teach nothing about it."""
    for number in range(20):
        image, mask = scene(number)
        write(tmp_path / f'photos/{number % 4}_{number}.jpg', image)
        write(tmp_path / f'masks/{number % 4}_{number}.png', mask)
    assert guess_groups(read(tmp_path)) is None


def test_patients_are_groups_by_their_name(tmp_path):
    for number in range(20):
        image, mask = scene(number)
        write(tmp_path / f'photos/patient{number // 4}_{number % 4}.jpg', image)
        write(tmp_path / f'masks/patient{number // 4}_{number % 4}.png', mask)
    sides = divide(read(tmp_path), three_classes(), 0.2, None)
    assert len({photo.id[:8] for photo in sides.val}) == 1 and len(sides.val) == 4


def test_images_without_masks_of_a_video_for_validation_are_left_out(tmp_path):
    folder = video(tmp_path, ['clip_a_', 'clip_b_', 'clip_c_'])
    for name in 'abc':
        for frame in (1, 3, 4):
            (folder / f'masks/clip_{name}_{frame:03d}.png').unlink()
    sides = divide(read(folder), three_classes(), 0.34, None)
    held = {photo.id[:6] for photo in sides.val}
    assert len(held) == 1 and {photo.id[:6] for photo in sides.unlabeled} == {'clip_a', 'clip_b', 'clip_c'} - held
    assert sum(map(len, sides.left_out.values())) == 3


def test_one_video_is_cut_in_time(tmp_path):
    """And it is said that neighbors are on both sides."""
    sides = divide(read(video(tmp_path, ['clip_a_'], number=10)), three_classes(), 0.2, None)
    assert [photo.id for photo in sides.val] == ['clip_a_008', 'clip_a_009']
    assert 'scores are too high' in sides.notes[0]


def photo(number, labels, mask=True):
    one = Photo(f'{number:03d}', None, '.jpg', mask='m' if mask else None, size=(320, 240))
    one.counts, one.look = dict(labels), np.zeros(256, np.float32)
    return one


def test_every_class_is_taught_before_one_is_validated():
    """Class 2 is in one image alone: it must not validate. Class 1 is in two: one each."""
    photos = [photo(number, {0: 90}) for number in range(18)] + [photo(18, {0: 50, 1: 40}), photo(19, {1: 90})]
    photos[7].counts = {0: 45, 2: 45}
    for seed in range(4):
        sides = divide(photos, three_classes(), 0.2, '', seed)
        assert len(sides.val) == 4 and any(2 in one.counts for one in sides.labeled)
        assert any(1 in one.counts for one in sides.labeled) and any(1 in one.counts for one in sides.val)
    with pytest.raises(UserError, match='two are needed'):
        divide(photos[:1], three_classes(), 0.2, '')


def sides_of(masks=20, free=100, counts=None):
    labeled = [photo(number, counts or {0: 60, 1: 30, 2: 10}) for number in range(masks)]
    return Sides(labeled, [photo(900, {0: 1})], [photo(1000 + number, {}, mask=False) for number in range(free)], {})


def test_choices_follow_the_data():
    base = choose(sides_of(), three_classes(), CPU)
    assert (base.method.value, base.batch.value, base.norm.value, base.loss.value) == ('DUEB', 4, 'BN', None)
    assert base.scale.value == (240, 180) and base.crop.value == (176, 176) and base.iterations.value == 800
    rare = choose(sides_of(counts={0: 980, 1: 10, 2: 10}), three_classes(), CPU)
    assert rare.loss.value['class_weight'] == [0.14, 0.96, 0.96]  # 0.1 / ln(1.1 + share)
    assert choose(sides_of(free=3), three_classes(), CPU).method.value == 'Supervised'
    assert choose(sides_of(masks=400, free=1000), three_classes(), CPU).iterations.value == 2000
    scribbled = Labels(['a', 'b', 'c'], [[0, 0, 0]] * 3, {0: 0, 1: 1, 2: 2, 254: 254}, True, loader={})
    assert choose(sides_of(), scribbled, CPU).method.value == 'SoftSelfLabeling'


def test_a_backbone_learns_as_fast_as_there_are_masks_of_its_classes():
    """Ten masks of two classes: none, or a tenth of the rate once half of the classes are in five masks. Never the full
    rate: MSRC-21 ends at nothing."""
    sides = sides_of(masks=10, counts={0: 60})
    for number, photo in enumerate(sides.labeled):
        photo.counts[1 + number % 2] = 40  # five masks of each
    recipe = choose(sides, three_classes(), CPU)
    assert recipe.network.value == 'deeplabv3plus_mbv2-d16_fixed-norm.py'
    assert _backbone(recipe) == (-1, True, dict(backbone=dict(lr_mult=0.1), decode_head=dict(lr_mult=5.0)))
    sides.labeled[0].counts, sides.labeled[1].counts = {0: 60}, {0: 60}  # four
    recipe = choose(sides, three_classes(), CPU)
    assert _backbone(recipe)[:2] == (6, True) and 'in 4 of 10 masks' in recipe.network.why


def _backbone(recipe):
    """Stages that are fixed, whether BatchNorm is, and the factors of the rates."""
    network = Config.fromfile(str(CONFIGS / '_base_/networks' / recipe.network.value))
    schedule = Config.fromfile(str(CONFIGS / '_base_/schedules' / recipe.schedule))
    backbone = network.model.segmentor.backbone
    rates = schedule.optim_wrapper.paramwise_cfg.custom_keys
    return backbone.get('frozen_stages', -1), backbone.norm_eval, rates


def test_a_class_of_one_photo_is_not_rare():
    sides = sides_of(counts={0: 600, 1: 400})
    sides.labeled[0].counts[2] = 5
    assert choose(sides, three_classes(), CPU).loss.value is None
    sides.labeled[1].counts[2] = 5
    assert choose(sides, three_classes(), CPU).loss.value is not None


def test_choices_follow_the_machine():
    """BN needs the images of a step: with one of each kind there is GN."""
    small = choose(sides_of(), three_classes(), CPU._replace(memory=int(1.05e9)))
    assert small.batch.value == 1 and small.norm.value == 'GN' and 'memory' in small.batch.why
    few = choose(sides_of(masks=2), three_classes(), CPU)
    assert few.batch.value == 2 and few.norm.value == 'BN' and 'masks' in few.batch.why
    gpu = choose(sides_of(), three_classes(), Machine('a GPU', 80 << 30, 8, False))
    assert (gpu.method.value, gpu.network.value, gpu.batch.value) == ('UniMatchV2', 'deeplabv3plus_r50-d16.py', 8)
    vit = choose(sides_of(), three_classes(), Machine('a GPU', 80 << 30, 8, True))
    assert vit.network.value == 'dpt_dinov2-s.py' and vit.crop.value == (238, 238)  # 17 patches of 14


def test_large_images_are_shrunk_with_a_warning():
    sides = sides_of()
    for one in sides.labeled:
        one.size = (4000, 3000)
    recipe = choose(sides, three_classes(), CPU)
    assert recipe.scale.value == (240, 180) and 'shrunk 16.7-fold' in recipe.notes[0]


def test_names_and_colors(tmp_path):
    assert [name.text for name in read_names('sky, road')] == ['sky', 'road']
    assert [name.text for name in read_names('__ignore__,_background_,road')] == ['_background_', 'road']  # Labelme's
    assert read_names('a:::')[0].color is None
    for line in ('17: cat', 'sky: 0,0,300'):  # once 17 was the name, and the color was lost
        (tmp_path / 'names.txt').write_text(line)
        with pytest.raises(UserError, match=f"names.txt: '{line}' is neither a name nor"):
            read_names(str(tmp_path / 'names.txt'))
    (tmp_path / 'names.txt').write_text('sky: 0,0,128\n# seen from below\nroad\nsea:0, 0,128::\n')
    lines = r"line 1 \('sky: 0,0,128'\) and line 4 \('sea:0, 0,128::'\) have one color"
    with pytest.raises(UserError, match=lines):  # once every sky was a sea
        read_names(str(tmp_path / 'names.txt'))
    with pytest.raises(UserError, match='sky occurs twice'):
        read_names('sky,road,sky')
    assert distinct_colors(3) == [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
    assert len(set(distinct_colors(254))) == 254


def test_looking_changes_no_file(tmp_path):
    draw(tmp_path, 3, 3)
    before = content(tmp_path)
    read(tmp_path)
    assert content(tmp_path) == before
