"""Rules for scribbles: which pixels nobody labeled."""

import inspect
import re

import cv2
import numpy as np
import pytest
from mmseg.registry import MODELS

import mmseg_ssl.models.segmentors as segmentors
from mmseg_ssl.datasets import DatasetError, check_semi_dataset, fix_masks
from mmseg_ssl.models import SemiSegmentor, SoftSelfLabeling

LABELED = 'train_dataloader.dataset.labeled'
METHODS = [
    method
    for method in vars(segmentors).values()
    if inspect.isclass(method) and issubclass(method, SemiSegmentor) and method is not SemiSegmentor
]


def scribbles(*classes: int, unlabeled: int = 254) -> np.ndarray:
    """A mask with one row per class, and nothing between."""
    mask = np.full((24, 32), unlabeled, np.uint8)
    for number, label in enumerate(classes):
        mask[2 + 6 * number, 2:30] = label
    return mask


@pytest.fixture
def scribbled(own):
    """Maker of a config whose labeled images have scribbles, and those of validation full masks, of three classes."""

    def make(mask: np.ndarray, method: str = '', loader: str = 'LoadScribbles', **options):
        full = np.arange(768, dtype=np.uint8).reshape(24, 32) % 3
        cfg = own([mask] * 4 + [full] * 2, 3)
        cfg.train_dataloader.dataset.labeled.pipeline[1] = dict(type=loader, **options)
        if method:
            cfg.model = dict(type=method)
        return cfg

    return make


def stop(cfg, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        check_semi_dataset(cfg)


@pytest.mark.parametrize('method', METHODS)
def test_a_method_says_that_it_reads_scribbles(method):
    assert method.learns_between_scribbles == ('.scribbles(' in inspect.getsource(method))


def test_a_method_that_learns_between_scribbles_is_not_given_void(scribbled):
    """All that was 255 would be void, and its own terms 0 for ever."""
    mask = scribbles(0, 1, 2, unlabeled=255)
    stop(
        scribbled(mask, 'SoftSelfLabeling', 'LoadAnnotations'),
        rf'1 problem(.|\n)*{LABELED}: 89% of the pixels are 255, which is void here: SoftSelfLabeling is taught '
        r'nothing between the scribbles.*unlabeled_value=255, void_value=None',
    )
    check_semi_dataset(scribbled(mask, 'SoftSelfLabeling', unlabeled_value=255, void_value=None))
    check_semi_dataset(scribbled(mask, 'ScribbleSupervised', 'LoadAnnotations'))  # says nothing about these pixels
    check_semi_dataset(scribbled(np.where(mask == 255, 2, mask), 'SoftSelfLabeling', 'LoadAnnotations'))


def test_the_rule_holds_for_methods_of_another_project(scribbled):
    @MODELS.register_module(force=True)
    class OwnSelfLabeling(SoftSelfLabeling):
        """Inherits what it reads."""

    mask = scribbles(0, 1, 2, unlabeled=255)
    stop(scribbled(mask, 'OwnSelfLabeling', 'LoadAnnotations'), 'OwnSelfLabeling is taught nothing')


def test_masks_without_unlabeled_pixels_are_no_scribbles(scribbled):
    """The folder of the full masks, or 0 in the place of 254: either way nothing would be unlabeled."""
    full = np.arange(768, dtype=np.uint8).reshape(24, 32) % 3
    for mask in (full, scribbles(1, 2, unlabeled=0)):
        stop(
            scribbled(mask),
            rf'1 problem(.|\n)*{LABELED}: no pixel of its 4 masks \(.*0.png, ...\) is unlabeled \(254\).*Correct '
            'the folder; write LoadAnnotations for full masks; .*give LoadScribbles unlabeled_value',
        )
    check_semi_dataset(scribbled(scribbles(0, 1, 2)))
    cfg = scribbled(scribbles(0, 1, 2))
    cfg.val_dataloader.dataset.pipeline[1].type = 'LoadScribbles'  # where masks are only scored, it is all the same
    cfg.val_dataloader.dataset.pipeline[2].type = 'PackSemiInputs'
    check_semi_dataset(cfg)


@pytest.mark.parametrize('place', ['train_dataloader', 'val_dataloader'])
def test_scribbles_are_packed_by_the_step_that_knows_them(scribbled, place):
    """The host's would leave 254 in the mask: an IndexError in training, wrong scores in validation."""
    cfg = scribbled(scribbles(0, 1, 2))
    dataset = cfg[place].dataset
    dataset.get('labeled', dataset).pipeline[1:] = [dict(type='LoadScribbles'), dict(type='PackSegInputs')]
    stop(cfg, rf'1 problem(.|\n)*{place}.dataset.*: LoadScribbles marks .*PackSemiInputs in place of PackSegInputs')


def test_a_step_that_blends_classes_is_named(own):
    """The host's rotation interpolates masks; it acts on about half of the images."""
    cfg = own(
        [np.where(np.arange(768).reshape(24, 32) % 16 < 8, 0, 255).astype(np.uint8) | np.eye(24, 32, dtype=np.uint8)]
    )
    cfg.train_dataloader.dataset.labeled.pipeline.insert(2, dict(type='RandomRotFlip'))
    stop(cfg, rf'1 problem(.|\n)*{LABELED}: step RandomRotFlip of its pipeline makes values of no class in the mask of')
    cfg.train_dataloader.dataset.labeled.pipeline[2] = dict(type='RandomRotate', prob=1.0, degree=20)
    check_semi_dataset(cfg)


@pytest.mark.parametrize(
    ('mask', 'pairs'),
    [
        (scribbles(0, 10), '10=1'),
        (scribbles(1, 2, 3), '1=0 2=1 3=2'),
        (scribbles(1, 2, 3, unlabeled=0), '0=254 1=0 2=1 3=2'),
    ],
)
def test_the_command_for_scribbles_leaves_unlabeled_pixels_unlabeled(scribbled, tmp_path, mask, pairs):
    """As a class, 254 would be most of all that is taught."""
    cfg = scribbled(mask)
    with pytest.raises(DatasetError) as error:
        check_semi_dataset(cfg)
    printed = re.search(r'--fix OUT --map ((?:\d+=\d+ )+)--cfg-options (.*)', str(error.value))
    assert printed[1].strip() == pairs
    assert printed[2] == 'val_dataloader=None test_dataloader=None'  # whose masks have other values
    mapping = dict(tuple(map(int, pair.split('='))) for pair in pairs.split())
    fix_masks(dict(cfg, val_dataloader=None), str(tmp_path / 'new'), mapping)
    new = cv2.imread(str(tmp_path / 'new/train_labeled/0.png'), cv2.IMREAD_UNCHANGED)
    classes = [0, 1, 2][: len(np.unique(mask)) - 1]
    assert (new == scribbles(*classes)).all()


def test_no_command_is_printed_that_does_nothing(scribbled):
    """Nothing but a class too many; and the index of a class cannot mean unlabeled, which would take it away."""
    full = scribbles(1, 2, 3, unlabeled=0)
    for mask, loader in ((scribbles(0, 1, 2, 3), 'LoadScribbles'), (full, 'LoadAnnotations')):
        with pytest.raises(DatasetError, match='label id 3') as error:
            check_semi_dataset(scribbled(mask, '', loader))
        assert '--map' not in str(error.value)
    stop(scribbled(scribbles(1, 2, 3, unlabeled=0), unlabeled_value=0), '0 is the index of a class, so it cannot mean')


def test_a_crop_chosen_by_its_classes_does_not_count_unlabeled_pixels(scribbled):
    cfg = scribbled(scribbles(0, 1, 2))
    crop = dict(type='RandomCrop', crop_size=(16, 16), cat_max_ratio=0.75)
    cfg.train_dataloader.dataset.labeled.pipeline.insert(2, crop)
    warnings = [one.text for one in check_semi_dataset(cfg).warnings]
    assert any(f'{LABELED}: RandomCrop with cat_max_ratio=0.75' in text for text in warnings)
    cfg.train_dataloader.dataset.labeled.pipeline[2]['ignore_index'] = 254
    assert not any('cat_max_ratio' in one.text for one in check_semi_dataset(cfg).warnings)
