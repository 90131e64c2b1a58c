"""Contents of image files: bits, orientation, channels, sizes; and what the loaders make of it."""

import copy

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS, TRANSFORMS
from PIL import Image

from mmseg_ssl.datasets import DatasetError, check_semi_dataset
from mmseg_ssl.datasets.checks.image_files import read_image
from mmseg_ssl.datasets.checks.image_rules import left_out_warnings

MASKS = [np.arange(768, dtype=np.uint8).reshape(24, 32) % 2]


def stop(cfg, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        check_semi_dataset(cfg)


def texts(problems) -> str:
    return '\n'.join(problem.text for problem in problems)


def eleven_bits(image: np.ndarray) -> np.ndarray:
    return image.astype(np.uint16) * 8


def test_images_with_another_suffix_are_named(tmp_path):
    """Masks beside or below the images are none, nor is what a list names, nor a second format of an image."""
    for name in ('a.jpg', 'b.JPG', 'c.jpeg', 'd.png', 'a.png', 'a_mask.png', 'masks/q.png', '.hidden.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    prefix = dict(img_path=str(tmp_path), seg_map_path=str(tmp_path / 'masks'))
    common = dict(type='BaseSegDataset', metainfo=dict(classes=('a', 'b')), pipeline=[], serialize_data=False)
    (warning,) = left_out_warnings('here', DATASETS.build(dict(common, data_prefix=prefix)))
    assert warning.text.startswith(f'here: 2 images in {tmp_path} do not end in .jpg, such as c.jpeg, and are left out')
    (tmp_path / 'list.txt').write_text('a\n')
    listed = DATASETS.build(dict(common, data_prefix=prefix, ann_file=str(tmp_path / 'list.txt')))
    assert not list(left_out_warnings('here', listed))


@pytest.mark.parametrize('suffix', ['.tif', '.png'])
@pytest.mark.parametrize('channels', [1, 3])
def test_eleven_bits_in_files_of_sixteen_are_named_and_scaled(own, suffix, channels):
    """The host divides by 256: of 0 to 2040 the network would see 0 to 8."""

    def draw(image):
        return eleven_bits(image if channels == 3 else image[..., 0])

    cfg = own(MASKS, image_suffix=suffix, draw=draw)
    for key in (r'train_dataloader.dataset.labeled', 'train_dataloader.dataset.unlabeled', 'val_dataloader.dataset'):
        stop(cfg, rf'0{suffix}|4{suffix} and \d more of {key} .*values up to 20\d\d: .*0 to 8 of .*max_value=2047\)')
    load = dict(type='LoadDeepImage', max_value=2047)
    check_semi_dataset(own(MASKS, image_suffix=suffix, draw=draw, load=load))


def test_eight_bits_among_deeper_ones_are_named(own):
    drawn = []

    def draw(image):
        drawn.append(image)
        return image if len(drawn) == 2 else eleven_bits(image)

    load = dict(type='LoadDeepImage', max_value=2047)
    stop(own(MASKS, draw=draw, load=load), r'have 8 bits per channel, but LoadDeepImage scales for more')


def test_sixteen_bits_that_are_used_are_fine(own):
    check_semi_dataset(own(MASKS, draw=lambda image: image.astype(np.uint16) * 257))


def test_pillow_shows_gray_sixteen_bits_as_white(own):
    load = dict(type='LoadImageFromFile', imdecode_backend='pillow')
    stop(own(MASKS, draw=lambda image: eleven_bits(image[..., 0]), load=load), 'would see values above 255 as white')


def test_raw_values_need_their_own_mean(own):
    load = dict(type='LoadImageFromFile', color_type='unchanged', to_float32=True)
    cfg = own(MASKS, draw=lambda image: image.astype(np.uint16) * 257, load=load)
    cfg.model = dict(data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
    stop(cfg, r'loaded with values up to 65\d\d\d, but model.data_preprocessor.mean is \[123.675')
    cfg.model.data_preprocessor.mean = [30000.0] * 3
    check_semi_dataset(cfg)


@pytest.mark.parametrize(
    ('color_type', 'shape'), [('color', (2, 2, 3)), ('grayscale', (2, 2)), ('unchanged', (2, 2, 4))]
)
def test_deep_images_are_scaled_to_eight_bits(tmp_path, color_type, shape):
    """0, 1000, 2000 and 4000 between 0 and 2000 are 0, 127.5, 255 and clipped."""
    values = np.array([[0, 1000], [2000, 4000]], np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), np.dstack([values] * 4))
    load = TRANSFORMS.build(dict(type='LoadDeepImage', max_value=2000, color_type=color_type))
    results = load(dict(img_path=str(tmp_path / 'a.png')))
    assert results['img'].dtype == np.uint8 and results['img'].shape == shape
    assert (results['img'].reshape(4, -1)[:, 0] == [0, 128, 255, 255]).all()
    assert results['img_shape'] == results['ori_shape'] == (2, 2)
    load = TRANSFORMS.build(dict(type='LoadDeepImage', min_value=1000, max_value=2000, color_type='grayscale'))
    assert load(dict(img_path=str(tmp_path / 'a.png')))['img'].tolist() == [[0, 0], [255, 255]]
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((2, 2), 200, np.uint8))
    with pytest.raises(
        ValueError, match='b.png has 8 bits: with max_value=2000 of LoadDeepImage it would be nearly bl'
    ):
        load(dict(img_path=str(tmp_path / 'b.png')))
    with pytest.raises(ValueError, match='max_value must be above min_value'):
        TRANSFORMS.build(dict(type='LoadDeepImage', max_value=3, min_value=3))


def test_the_smallest_images_are_images(tmp_path):
    """An eighth of their width is no pixel, so a JPEG was called damaged."""
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((5, 1, 3), np.uint8))
    facts = read_image(None, dict(img_path=str(tmp_path / 'a.jpg')), decode=True)
    assert (facts.size, facts.problem) == ((1, 5), '')


def oriented(path, image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(image).save(path, exif=exif)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize(
    ('orientation', 'mask_shape', 'outcome'),
    [
        (6, (32, 24), 'fine'),  # drawn on what a viewer shows
        (6, (24, 32), 'error'),  # drawn on what the file holds
        (3, (24, 32), 'doubt'),  # the size does not tell
        (1, (24, 32), 'fine'),
    ],
)
def test_images_that_a_tag_turns(own, tmp_path, suffix, orientation, mask_shape, outcome):
    cfg = own(MASKS, image_suffix=suffix)
    oriented(tmp_path / f'train/img/0{suffix}', np.zeros((24, 32, 3), np.uint8), orientation)
    cv2.imwrite(str(tmp_path / 'train/ann/0.png'), MASKS[0].reshape(mask_shape))
    if outcome == 'error':
        stop(cfg, rf'ann/0.png: the mask is 32x24, its image .*0{suffix} is 24x32.*EXIF orientation 6')
    else:
        warnings = texts(check_semi_dataset(cfg).warnings)
        assert (f'0{suffix}: the loader rotates it by its EXIF orientation 3' in warnings) == (outcome == 'doubt')


def test_masks_of_another_size_are_found_in_every_format(own, tmp_path):
    cfg = own(MASKS, suffix='.tif', image_suffix='.bmp')
    cv2.imwrite(str(tmp_path / 'val/ann/4.tif'), MASKS[0][:, :20])
    stop(cfg, r'val/ann/4.tif: the mask is 20x24, its image .*4.bmp is 32x24')


@pytest.mark.parametrize('suffix', ['.bmp', '.tif', '.webp', '.jpg'])
def test_cut_images_are_found_in_every_format(own, tmp_path, suffix):
    cfg = own(MASKS, image_suffix=suffix)
    path = tmp_path / f'train/more/2{suffix}'
    path.write_bytes(path.read_bytes()[:-300])
    stop(cfg, rf'train/more/2{suffix}: cannot be decoded')


@pytest.mark.parametrize(('color_type', 'channels'), [('color', 3), ('grayscale', 1), ('unchanged', 4)])
def test_channels_are_those_of_preprocessor_and_backbone(own, color_type, channels):
    load = dict(type='LoadImageFromFile', color_type=color_type)
    cfg = own(MASKS, draw=lambda image: np.dstack([image, image[..., 0]]), load=load)
    cfg.model = dict(
        data_preprocessor=dict(mean=[0.0] * channels, std=[1.0] * channels),
        segmentor=dict(backbone=dict(in_channels=channels)),
    )
    check_semi_dataset(cfg)
    cfg.model.segmentor.backbone.in_channels = 2
    stop(
        cfg, rf'labeled: its pipeline returns images with {channels} channel\(s\), but the backbone \(in_ch.* is for 2'
    )
    cfg.model.segmentor.backbone.in_channels = channels
    cfg.model.data_preprocessor.mean = [0.0] * 2
    stop(cfg, 'model.data_preprocessor.mean is for 2')


def test_a_file_of_other_channels_is_named_if_they_stay(own, tmp_path):
    load = dict(type='LoadImageFromFile', color_type='unchanged')
    cfg = own(MASKS, load=load)
    cv2.imwrite(str(tmp_path / 'train/more/3.png'), np.zeros((24, 32), np.uint8))
    stop(cfg, r"more/3.png: 1 channel\(s\), but .*more/0.png has 3, and color_type='unchanged' keeps them")
    check_semi_dataset(own(MASKS))  # `color` makes three of one


def test_validation_in_batches_needs_one_size(own, tmp_path):
    cfg = own(MASKS)
    cv2.imwrite(str(tmp_path / 'val/img/5.png'), np.zeros((20, 20, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'val/ann/5.png'), MASKS[0][:20, :20])
    check_semi_dataset(cfg)
    cfg.val_dataloader.batch_size = 2
    stop(cfg, r'batch_size is 2, but .*32x24 \(.*4.png\) and 20x20 \(.*5.png\).*val_dataloader.batch_size=1')
    padded = copy.deepcopy(cfg)
    padded.model = dict(padded.get('model') or {}, data_preprocessor=dict(test_cfg=dict(size=(32, 32))))
    check_semi_dataset(padded)  # the preprocessor pads them
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(type='Resize', scale=(16, 16)))
    check_semi_dataset(cfg)


def test_sets_made_of_several_are_looked_at_part_by_part(own, tmp_path):
    cfg = own(MASKS)
    labeled = cfg.train_dataloader.dataset.labeled
    parts = [labeled, dict(type='RepeatDataset', times=3, dataset=labeled)]
    cfg.train_dataloader.dataset.labeled = dict(type='ConcatDataset', datasets=parts)
    report = check_semi_dataset(cfg)
    assert report.sets[0].images == 8 and report.sets[0].pixels.tolist() == [8 * 384] * 2
    (tmp_path / 'train/img/1.png').write_bytes(b'')
    stop(cfg, r'2 problem(.|\n)*img/1.png: cannot be decoded: its content is not an image')


def test_masks_may_be_loaded_before_images(own, tmp_path):
    """Then the image is not there after the first step; a tag that turns it makes the check ask the loader."""
    cfg = own(MASKS)
    for dataset in (cfg.train_dataloader.dataset.labeled, cfg.val_dataloader.dataset):
        dataset.pipeline[:2] = dataset.pipeline[1::-1]
    oriented(tmp_path / 'train/img/0.png', np.zeros((32, 24, 3), np.uint8), 6)
    assert not check_semi_dataset(cfg).warnings
