"""Images with labels that were written for them: found, checked, and turned as the image is."""

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import Draw, SemiDataset, UnlabeledImages, semi_collate
from mmseg_ssl.datasets.pseudo_label_files import label_path, read_label, summarize
from mmseg_ssl.errors import DatasetError
from mmseg_ssl.tooling.pseudo_labeler import OfflineLabel, write_label

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadPseudoLabels'),
    dict(type='RandomResize', scale=(24, 16), ratio_range=(2.0, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(30, 40)),
    dict(type='RandomFlip', prob=1.0),
    dict(type='PackPseudoLabels'),
]


@pytest.fixture
def folder(tmp_path):
    """Images whose left half is black, of class 0 with confidence 10, and the right white, of class 1 with 240."""
    for name in ('a', 'sub/b'):
        image = np.zeros((16, 24, 3), np.uint8)
        image[:, 12:] = 255
        path = tmp_path / 'img' / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
        label = (image[..., 0] > 0).astype(np.uint8)
        write_label(tmp_path / 'out', name, OfflineLabel(label, 10 + 230 * label, None))
    return tmp_path


def config(folder, **changes):
    options = dict(pseudo_labels=str(folder / 'out'), data_prefix=dict(img_path=str(folder / 'img')), img_suffix='.png')
    return dict(dict(type='PseudoLabeledImages', pipeline=PIPELINE, **options), **changes)


def test_label_and_confidence_go_through_the_geometry_with_the_image(folder):
    """Resize, crop and flip of the host: where the picture is black the class is 0, where it is white 1."""
    dataset = DATASETS.build(config(folder))
    assert len(dataset) == 2
    for index in range(2):
        packed = dataset[index]
        sample = packed['data_samples']
        assert 'gt_sem_seg' not in sample
        assert sample.pseudo_sem_seg.data.shape == (2, 30, 40) and sample.flip
        label, confidence = sample.pseudo_sem_seg.data
        assert set(label.unique().tolist()) == {0, 1}
        pixels = packed['inputs'][0]
        assert (label[pixels < 50] == 0).all() and (label[pixels > 200] == 1).all()
        assert ((confidence == 240) == (label == 1)).all() and ((confidence == 10) == (label == 0)).all()


def test_in_a_semi_dataset(folder):
    """As the unlabeled part; the labeled image is left out by the list."""
    (folder / 'labeled.txt').write_text('a\n')
    labeled = UnlabeledImages(
        ann_file=str(folder / 'labeled.txt'),
        metainfo=dict(classes=('ground',)),
        img_suffix='.png',
        data_prefix=dict(img_path=str(folder / 'img')),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSemiInputs')],
    )
    data = SemiDataset(labeled, config(folder), split=str(folder / 'labeled.txt'))
    data.full_init()
    assert len(data.unlabeled) == 1
    batch = semi_collate([data[Draw(0, (0,), 3)]])
    assert 'pseudo_sem_seg' in batch['data_samples']['weak'][0]
    assert batch['data_samples']['weak'][0].img_path.endswith('sub/b.png')


def test_the_most_reliable_images_alone(folder):
    (folder / 'reliable.txt').write_text('sub/b\n')
    assert len(DATASETS.build(config(folder, ann_file=str(folder / 'reliable.txt')))) == 1


def test_images_without_labels_stop_before_training(folder):
    label_path(folder / 'out', 'masks', 'sub/b').unlink()
    with pytest.raises(DatasetError, match=r'1 of 2 images have no pseudo-labels in .*sub/b. Make them: python tools/'):
        DATASETS.build(config(folder))


def test_damaged_and_foreign_files_are_named(folder):
    mask, confidence = (label_path(folder / 'out', kind, 'a') for kind in ('masks', 'confidence'))
    cv2.imwrite(str(mask), np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match='different sizes, .*8, 8.*Remove both'):
        read_label(mask, confidence)
    cv2.imwrite(str(confidence), np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match='belong to other images'):
        DATASETS.build(config(folder))[0]
    cv2.imwrite(str(mask), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DatasetError, match='not an 8-bit map with one channel'):
        read_label(mask, confidence)
    mask.write_bytes(b'half')
    with pytest.raises(DatasetError, match='not an 8-bit map with one channel'):
        read_label(mask, confidence)


def test_summary_by_hand(folder):
    """Two images, halves of class 0 and 1 with 10 and 240; one row of the first one, 24 of 768 pixels, has no label."""
    label, confidence = read_label(*(label_path(folder / 'out', kind, 'a') for kind in ('masks', 'confidence')))
    label[0] = 255
    write_label(folder / 'out', 'a', OfflineLabel(label, confidence, None))
    found = summarize(folder / 'out', ['a', 'sub/b'], ['left', 'right', 'none'])
    assert found['kept'] == pytest.approx(744 / 768)
    assert found['mean_confidence'] == pytest.approx(125 / 255)
    assert found['classes'] == dict(left=0.5, right=0.5, none=0.0)
