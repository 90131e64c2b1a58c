"""Masks of unlabeled images: cropped as the images are, and read by nothing that trains."""

import copy

import cv2
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS
from toy_run import toy_config

from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.datasets.semi_dataset import Draw


@pytest.fixture
def data(tmp_path):
    """Images whose gray value is ten times the class of the pixel."""
    import toy_parts  # noqa: F401  (registers the dataset)

    for name in ('img', 'ann'):
        (tmp_path / name).mkdir()
    rng = np.random.RandomState(0)
    for index in range(5):
        mask = rng.randint(0, 3, (24, 24)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'ann/{index:02d}.png'), mask)
        cv2.imwrite(str(tmp_path / f'img/{index:02d}.png'), np.repeat(10 * mask[..., None], 3, axis=2))
    (tmp_path / 'labeled.txt').write_text('00\n01\n')
    return tmp_path


def dataset_of(data, **options):
    dataset = DATASETS.build(dict(toy_config(data)['train_dataloader']['dataset'], **options))
    dataset.full_init()
    return dataset


def test_a_mask_is_cropped_as_its_image_and_the_image_stays(data):
    plain, hidden = dataset_of(data), dataset_of(data, hidden_masks=True)
    for seed in range(4):
        draw = Draw(0, (seed % 3, 2), seed)
        before, after = plain[draw], hidden[draw]
        for one, other in zip(before['inputs']['weak'], after['inputs']['weak']):
            assert torch.equal(one, other)
        for image, sample in zip(after['inputs']['weak'], after['data_samples']['weak']):
            assert torch.equal(10 * sample.hidden_sem_seg.data, image[:1]) and 'gt_sem_seg' not in sample
        assert 'hidden_sem_seg' not in after['data_samples']['sup']
        assert all('hidden_sem_seg' not in sample for sample in before['data_samples']['weak'])


def test_images_without_a_mask_are_unknown_and_no_mask_at_all_is_an_error(data):
    """A folder of its own, with one mask."""
    (data / 'some').mkdir()
    with pytest.raises(
        DatasetError, match='none of the 3 images has a mask, such as .*some/02.png.*hidden_masks=FOLDER'
    ):
        dataset_of(data, hidden_masks=str(data / 'some'))
    (data / 'ann/03.png').rename(data / 'some/03.png')
    samples = dataset_of(data, hidden_masks=str(data / 'some'))[Draw(0, (0, 1), 7)]['data_samples']['weak']
    known = [int((sample.hidden_sem_seg.data != 255).sum()) for sample in samples]
    assert known == [0, 16 * 16]


@pytest.mark.parametrize('suffix', ['_leftImg8bit.png', '.png', ['.jpg', '_leftImg8bit.png']])
def test_names_as_in_cityscapes(data, suffix):
    """Image suffixes are more than an extension, of labeled images at least; capitals do not matter."""
    for number, path in enumerate(sorted((data / 'img').iterdir())):
        path.rename(path.with_name(f'{path.stem}_leftImg8bit.{"PNG" if number == 4 else "png"}'))
    for path in sorted((data / 'ann').iterdir()):
        path.rename(path.with_name(f'{path.stem}_gtFine_labelTrainIds.png'))
    cfg = dict(toy_config(data)['train_dataloader']['dataset'], hidden_masks=True)
    names = dict(img_suffix='_leftImg8bit.png', seg_map_suffix='_gtFine_labelTrainIds.png')
    cfg['labeled'].update(names, type='BaseSegDataset', metainfo=dict(classes=('a', 'b', 'c')))
    cfg['unlabeled'].update(img_suffix=suffix, exclude='')
    dataset = DATASETS.build(cfg)
    dataset.full_init()
    masks = dataset.hidden_masks['weak']
    found = {masks.path(index) for index in range(len(dataset.unlabeled))}
    assert found == {str(data / f'ann/{number:02d}_gtFine_labelTrainIds.png') for number in range(5)}


def test_a_crop_that_depends_on_the_mask_is_unknown_rather_than_wrong(data):
    """``cat_max_ratio`` draws again where it sees one class alone; the crop of the image is then another one."""
    for path in data.glob('ann/*.png'):
        mask = np.zeros((24, 24), np.uint8)
        mask[12:] = 1
        cv2.imwrite(str(path), mask)
        rng = np.random.RandomState(int(path.stem))
        cv2.imwrite(str(data / 'img' / path.name), rng.randint(0, 255, (24, 24, 3)).astype(np.uint8))
    hidden = dataset_of(data, hidden_masks=True)
    steps = hidden.hidden_masks['weak'].steps
    place = next(number for number, step in enumerate(steps) if type(step).__name__ == 'RandomCrop')
    steps[place] = copy.copy(steps[place])
    steps[place].cat_max_ratio = 0.6
    seen = [hidden[Draw(0, (0, 1), seed)] for seed in range(12)]
    unknown = [bool((s.hidden_sem_seg.data == 255).all()) for one in seen for s in one['data_samples']['weak']]
    assert any(unknown) and not all(unknown)
