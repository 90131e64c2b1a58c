"""Rules on the masks of a set, whatever their format, and the fix."""

import logging

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmseg_ssl.datasets import DatasetError, check_semi_dataset, fix_masks, inspect_data


def halves(left: int, right: int, dtype=np.uint8) -> np.ndarray:
    """A mask of two values."""
    mask = np.full((24, 32), left, dtype)
    mask[:, 16:] = right
    return mask


def stop(cfg, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        check_semi_dataset(cfg)


def texts(problems) -> str:
    return '\n'.join(problem.text for problem in problems)


def use(cfg, settings) -> None:
    """Apply what the fix says."""
    for line in settings:
        key, value = line.split('=', 1)
        *place, last = key.split('.')
        node = cfg
        for name in place:
            node = node[name]
        node[last] = value


def test_black_and_white_masks_are_refused_and_mended(own, tmp_path):
    """255 is ignored, so no pixel is of the object; the new masks hold 0 and 1, the old ones stay."""
    cfg = own([halves(0, 255)], ('background', 'object'))
    stop(cfg, r"labeled: none of the 4 masks .*class 'object': the value 255 means \"ignored\"(.|\n)*CONFIG --fix OUT")
    stop(cfg, r'val_dataloader.dataset: none of the 2 masks')
    settings = fix_masks(cfg, str(tmp_path / 'new'))
    assert settings == [
        f'train_dataloader.dataset.labeled.data_prefix.seg_map_path={tmp_path}/new/train_labeled',
        f'val_dataloader.dataset.data_prefix.seg_map_path={tmp_path}/new/val',
    ]
    new = cv2.imread(str(tmp_path / 'new/train_labeled/0.png'), cv2.IMREAD_UNCHANGED)
    assert (new == halves(0, 1)).all()
    assert (cv2.imread(str(tmp_path / 'train/ann/0.png'), cv2.IMREAD_UNCHANGED) == halves(0, 255)).all()
    use(cfg, settings)
    report = check_semi_dataset(cfg)
    assert report.sets[0].pixels.tolist() == [4 * 384] * 2 and report.sets[0].holders.tolist() == [4, 4]
    with pytest.raises(DatasetError, match='new exists'):
        fix_masks(cfg, str(tmp_path / 'new'))


def test_masks_with_an_object_keep_255_as_void(own, tmp_path):
    """0, 1 and 255 are fine, and no fix takes the void of some masks for the object."""
    cfg = own([halves(0, 255), halves(0, 1)])
    assert not check_semi_dataset(cfg).warnings
    fix_masks(cfg, str(tmp_path / 'new'))
    new = cv2.imread(str(tmp_path / 'new/train_labeled/0.png'), cv2.IMREAD_UNCHANGED)
    assert (new == halves(0, 255)).all()


RED, GREEN, BLUE = [200, 0, 0], [0, 200, 0], [0, 0, 200]


@pytest.mark.parametrize('suffix', ['.png', '.bmp'])
def test_an_index_of_two_colors_is_doubted(own, tmp_path, suffix):
    """As of an editor that orders each palette anew: masks are read by index all the same. Index 2 is not used."""

    def write(palettes):
        def one(path, mask):
            image = Image.fromarray(mask)
            image.putpalette(sum(palettes[int(path.stem) % len(palettes)], []))
            image.save(path)

        return one

    def warned(*palettes):
        cfg = own([halves(0, 1)], suffix=suffix, write=write(palettes))
        return [one.text for one in inspect_data(cfg).warnings if one.kind == 'palettes']

    assert warned([RED, GREEN, BLUE], [RED, GREEN, RED]) == []
    labeled, val = warned([RED, GREEN, BLUE], [RED, BLUE, GREEN])
    folder = tmp_path / 'train/ann'
    assert f'index 1 has the color 0,200,0 in the palette of {folder}/0{suffix}, 0,0,200 in that of' in labeled
    assert labeled.startswith('train_dataloader.dataset.labeled') and val.startswith('val_dataloader.dataset')
    assert f'{folder}/1{suffix}. Masks are read by index' in labeled and 'CONFIG --fix OUT' in labeled


def test_a_loader_that_may_read_colors_is_left_alone(own, tmp_path):
    class LoadColors(LoadAnnotations):
        """Red is 0, everything else 1."""

        def _load_seg_map(self, results):
            pixels = np.array(Image.open(results['seg_map_path']).convert('RGB'))
            results['gt_seg_map'] = (pixels[..., 0] == 0).astype(np.uint8)
            results['seg_fields'].append('gt_seg_map')

    def write(path, mask):
        order = [RED, GREEN] if path.stem in '024' else [GREEN, RED]
        image = Image.fromarray(mask if path.stem in '024' else 1 - mask)
        image.putpalette(sum(order, []))
        image.save(path)

    cfg = own([halves(0, 1)], write=write)
    for dataset in (cfg.train_dataloader.dataset.labeled, cfg.val_dataloader.dataset):
        dataset.pipeline[1] = dict(type=LoadColors)
    assert not [one for one in inspect_data(cfg).warnings if one.kind == 'palettes']


def test_masks_without_a_pixel_that_counts(own):
    """All of them stop training, some are named."""
    stop(own([halves(255, 255)], 3), r'none of the 4 masks .*with a class: every value \(255\) is ignored')
    report = check_semi_dataset(own([halves(255, 255), halves(0, 1)]))
    assert 'labeled: 2 of 4 masks have no labeled pixel, the first are' in texts(report.warnings)


@pytest.mark.parametrize('classes', [2, 3])
def test_a_single_class_teaches_nothing(own, classes):
    stop(
        own([halves(1, 1)], classes), r"labeled: none of the 4 masks .*of class0.*: the only class in them is 'class1'"
    )


def test_reduce_zero_label_of_another_dataset_takes_the_background_away(own):
    """With it 0 is ignored and 1 becomes class 0: masks of 0 and 1 have one class left."""
    stop(own([halves(0, 1)], reduce_zero_label=True), r"only class in them is 'class0' \(values 0, 1\).*reduce_zero_l")
    assert check_semi_dataset(own([halves(2, 1)], reduce_zero_label=True)).sets[0].pixels.tolist() == [1536, 1536]


def test_absent_and_rare_classes_are_named(own):
    """Of 3 072 labeled pixels 1 is less than 1 in 10 000 only if it is in none; so the masks are made larger."""
    large = np.zeros((240, 320), np.uint8)
    large[:, 160:] = 1
    rare = large.copy()
    rare[0, 0] = 2
    images = dict(draw=lambda image: cv2.resize(image, (320, 240)))
    report = check_semi_dataset(own([large, large, rare, large], 4, **images))
    labeled = [text for text in texts(report.warnings).splitlines() if 'labeled' in text]
    assert labeled == [
        'train_dataloader.dataset.labeled: no mask of 4 has a pixel of class3: without pixels it is never learned.',
        "train_dataloader.dataset.labeled: class 'class2' has 1 pixels in 1 of 4 masks.",
    ]


@pytest.mark.parametrize('suffix', ['.png', '.tif', '.bmp'])
def test_values_of_no_class_are_found_in_every_format(own, tmp_path, suffix):
    cfg = own([halves(100, 200), halves(0, 0)], 3, suffix=suffix)
    stop(cfg, rf'ann/0{suffix}: label id 100 \(384 pixels\), 200 \(384 pixels\); there are 3 classes')
    stop(cfg, r'in order, .* CONFIG --fix OUT --map 100=1 200=2')
    with pytest.raises(DatasetError, match=rf'ann/0{suffix}: no class for 100, 200.*--map 100=255'):
        fix_masks(cfg, str(tmp_path / 'new'))
    assert not list(tmp_path.glob('*new*'))  # nothing half done
    use(cfg, fix_masks(cfg, str(tmp_path / 'new'), {100: 1, 200: 2}))
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [2 * 768, 768, 768]


@pytest.mark.parametrize(
    ('values', 'classes', 'pairs'),
    [((0, 100, 200), 2, {100: 1, 200: 2}), ((0, 1, 3, 255), 2, {3: 2}), ((100, 200), 3, {100: 1, 200: 2})],
)
def test_the_advice_knows_reduce_zero_label(own, tmp_path, values, classes, pairs):
    """There 0 is unlabeled, and class 0 is 1 in a file; what the advice writes is then taken."""
    mask = np.tile(np.repeat(np.array(values, np.uint8), 32 // len(values) + 1)[:32], (24, 1))
    cfg = own([mask], classes, reduce_zero_label=True)
    meant = 'If 0 means unlabeled and the other values stand' if 0 in values else 'If the values stand'
    told = ' '.join(f'{old}={new}' for old, new in pairs.items())
    stop(cfg, rf'there are {classes} classes \(1 to {classes} with reduce_zero_label\)')
    stop(cfg, rf'{meant} for the (first 2 of the 3 )?classes in order, .* CONFIG --fix OUT --map {told}$')
    use(cfg, fix_masks(cfg, str(tmp_path / 'new'), pairs))
    pixels = check_semi_dataset(cfg).sets[0].pixels.tolist()
    assert pixels[:2] == [4 * int((mask == value).sum()) for value in values if value not in (0, 255)]


@pytest.mark.parametrize(
    ('values', 'classes', 'said'),
    [
        ((10, 20), 2, 'the classes in order, .* --map 10=0 20=1$'),
        ((10, 20), 3, 'the first 2 of the 3 classes in order, .* --map 10=0 20=1$'),
        ((0, 128, 255), 3, 'the classes in order, .* --map 128=1 255=2$'),
        ((0, 128, 255), 4, 'the first 2 of the 4 classes in order, .* --map 128=1$'),  # 255 stays ignored
    ],
)
def test_the_advice_says_which_classes_it_means(own, values, classes, said):
    stop(own([stripes(*values)], classes), said)


def test_a_value_to_map_that_no_mask_has_is_said(own, tmp_path, monkeypatch):
    """12 for 1 would leave the masks as they are, without a word."""
    said = []
    monkeypatch.setattr('mmseg_ssl.datasets.checks.fix.print_log', lambda text, **_: said.append(text))
    fix_masks(own([stripes(0, 1), stripes(0, 0)], 2), str(tmp_path / 'one'), {1: 0, 12: 1, (9, 8, 7): 0})
    assert said == ['--map: no mask has 12, (9, 8, 7).']
    fix_masks(own([stripes(0, 1), stripes(0, 0)], 2), str(tmp_path / 'two'), {1: 0})  # the second mask has none
    assert len(said) == 1


def stripes(*values: int) -> np.ndarray:
    """A mask of these values, four columns each."""
    return np.tile(np.resize(np.repeat(np.array(values, np.uint8), 4), 32), (24, 1))


@pytest.mark.parametrize('values', [(0, 1, 2, 3), (0, 1, 2, 3, 255)])
def test_one_value_more_than_classes_is_no_class_or_has_no_name(own, values):
    """Which of the two, only the user knows; both are said, and both are then fine."""
    cfg = own([stripes(*values)], 3)
    stop(cfg, 'If 0 is no class and 1 to 3 are the classes in order, set reduce_zero_label=True .* give 4 classes to')
    pixels = [4 * int((stripes(*values) == value).sum()) for value in (0, 1, 2, 3)]
    for settings, expected in (dict(classes=3, reduce_zero_label=True), pixels[1:]), (dict(classes=4), pixels):
        report = inspect_data(own([stripes(*values)], **settings))
        assert not report.problems and report.sets[0].pixels.tolist() == expected


@pytest.mark.parametrize(
    ('values', 'options'),
    [((0, 1, 2, 3, 4), {}), ((0, 1, 3), {}), ((1, 2, 3, 4), {}), ((0, 1, 2, 3), dict(reduce_zero_label=True))],
)
def test_other_values_do_not_tell_that_0_is_no_class(own, values, options):
    problems = inspect_data(own([stripes(*values)], 2 if options else 3, **options)).problems
    assert problems and 'set reduce_zero_label' not in texts(problems) + '\n'.join(one.fix for one in problems)


def test_black_and_white_with_reduce_zero_label_become_both_classes(own, tmp_path):
    """Black once stayed 0, which is ignored there."""
    cfg = own([halves(0, 255)], reduce_zero_label=True)
    use(cfg, fix_masks(cfg, str(tmp_path / 'new')))
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [1536, 1536]


def test_values_above_255_do_not_pass_as_their_low_byte(own):
    """The host casts to 8 bits: 257 would be class 1."""
    stop(own([halves(0, 257, np.uint16)]), r'label id 257 \(384 pixels\)')


def test_many_values_come_from_smoothing(own):
    smooth = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (24, 1))
    stop(own([smooth]), r'and 23 more; there are 2 classes .*smoothing or lossy compression')


def test_jpeg_masks_are_told_by_their_content(own, tmp_path):
    def write(path, mask):
        cv2.imwrite(str(path.with_suffix('.jpg')), mask)
        path.with_suffix('.jpg').rename(path)

    cfg = own([halves(0, 1)], write=write)
    stop(cfg, r'ann/0.png: is JPEG or lossy WebP by its content.*Export the masks again as PNG')
    with pytest.raises(DatasetError, match='0.png: is JPEG'):
        fix_masks(cfg, str(tmp_path / 'new'))


def test_cut_masks_are_found_whatever_decodes_them(own, tmp_path):
    cfg = own([np.random.RandomState(1).randint(0, 2, (24, 32), np.uint8)])
    path = tmp_path / 'train/ann/0.png'
    path.write_bytes(path.read_bytes()[:-40])
    for backend in ('pillow', 'cv2'):
        cfg.train_dataloader.dataset.labeled.pipeline[1].imdecode_backend = backend
        stop(cfg, r'1 problem(.|\n)*ann/0.png: cannot be decoded')


@pytest.mark.parametrize('mode', ['P', '1', 'L'])
def test_palettes_and_bits_are_indices(own, mode):
    def write(path, mask):
        image = Image.fromarray(mask, 'L')
        if mode == 'P':
            image = Image.fromarray(mask, 'P')
            image.putpalette([0, 0, 0, 255, 255, 255])
        (Image.fromarray(mask.astype(bool)) if mode == '1' else image).save(path)

    assert check_semi_dataset(own([halves(0, 1)], write=write)).sets[0].pixels.tolist() == [1536, 1536]


@pytest.mark.parametrize('channels', [3, 4])
def test_colors_become_classes_by_the_palette(own, tmp_path, channels):
    """Red is class 1, blue class 2; OpenCV writes blue first. A boundary color is named, and mapped on demand."""
    palette = [[0, 0, 0], [255, 0, 0], [0, 0, 255]]
    mask = np.zeros((24, 32, channels), np.uint8)
    mask[..., 3:] = 255
    mask[:8, :, 2], mask[8:16, :, 0] = 255, 255
    cfg = own([mask], metainfo=dict(classes=('sky', 'fire', 'water'), palette=palette), classes=None)
    stop(cfg, rf'0.png: the mask has {channels} channels, expected one(.|\n)*more of this kind(.|\n)*--fix OUT')
    use(cfg, fix_masks(cfg, str(tmp_path / 'new')))
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [4 * 256] * 3
    new = cv2.imread(str(tmp_path / 'new/val/4.png'), cv2.IMREAD_UNCHANGED)
    assert (new[0, 0], new[8, 0], new[16, 0]) == (1, 2, 0)

    mask[0, :, :3] = (192, 224, 224)
    cfg = own([mask], metainfo=dict(classes=('sky', 'fire', 'water'), palette=palette), classes=None)
    with pytest.raises(DatasetError, match=r'no class for \(224, 224, 192\).*--map 224,224,192=255'):
        fix_masks(cfg, str(tmp_path / 'newer'))
    fix_masks(cfg, str(tmp_path / 'newer'), {(224, 224, 192): 255})
    assert cv2.imread(str(tmp_path / 'newer/val/4.png'), cv2.IMREAD_UNCHANGED)[0, 0] == 255


def test_indices_written_three_times_are_indices(own, tmp_path):
    cfg = own([np.dstack([halves(0, 2)] * 3), np.dstack([halves(1, 255)] * 3)], 3)
    use(cfg, fix_masks(cfg, str(tmp_path / 'new')))
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [768, 768, 768]
    cfg = own([np.dstack([halves(0, 255)] * 3)], 3)  # white may be a class or void
    with pytest.raises(DatasetError, match=r'no class for .*\(255, 255, 255\)'):
        fix_masks(cfg, str(tmp_path / 'newer'))


def test_the_fix_writes_what_the_loader_turns_into_the_class(own, tmp_path):
    """With reduce_zero_label class 0 is 1 in the file."""
    palette = [[10, 0, 0], [0, 10, 0]]
    mask = np.zeros((24, 32, 3), np.uint8)
    mask[:12, :, 2], mask[12:, :, 1] = 10, 10
    cfg = own([mask], metainfo=dict(classes=('wall', 'floor'), palette=palette), classes=None, reduce_zero_label=True)
    use(cfg, fix_masks(cfg, str(tmp_path / 'new')))
    assert np.unique(cv2.imread(str(tmp_path / 'new/val/4.png'), cv2.IMREAD_UNCHANGED)).tolist() == [1, 2]
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [1536, 1536]


def test_only_pixels_of_known_classes_are_counted(own):
    """A report counts beside a bad value what the loss sees."""
    report = inspect_data(own([halves(0, 7), halves(0, 1)], 2))
    assert report.sets[0].pixels.tolist() == [4 * 384, 2 * 384]
    assert len(report.problems) == 3 and not report.warnings


def test_values_that_are_no_whole_numbers_are_no_classes(own):
    """The host would cast 0.5 and -0.5 to 0."""
    for value in (0.5, -0.5):
        report = inspect_data(own([halves(1, value, np.float32)], suffix='.tif'))
        assert report.sets[0].pixels.tolist() == [0, 4 * 384]
        assert f'0.tif: label id {value} (384 pixels)' in texts(report.problems)


def test_a_subset_of_classes_in_another_order(own):
    """CamVid's sky (0) becomes 1 and its road (3) becomes 0, both at once; all others are ignored."""
    mask = halves(0, 3)
    mask[:12] = 1
    cfg = own([mask], metainfo=dict(classes=('road', 'sky')), type='CamVidDataset')
    assert check_semi_dataset(cfg).sets[0].pixels.tolist() == [4 * 192] * 2


def test_warnings_reach_the_log_of_the_run(own, caplog):
    report = check_semi_dataset(own([halves(0, 1)], 3))
    with caplog.at_level('INFO', 'a run'):
        report.log(logging.getLogger('a run'))
    assert [record.levelname for record in caplog.records] == ['INFO'] * 3 + ['WARNING'] * 2
    assert 'no mask of 4 has a pixel of class2' in caplog.text and 'labeled   4 images, 32x24' in caplog.text
