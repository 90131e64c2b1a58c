"""Pipelines that contradict each other or the preprocessor: all of these trained without a word."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from mmseg_ssl.datasets import DatasetError, check_semi_dataset
from mmseg_ssl.datasets.checks import inspect_data, scale_rules, view_rules

MASKS = [np.arange(768, dtype=np.uint8).reshape(24, 32) % 3]
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
FLIP = dict(type='RandomFlip', prob=0.5)
DIRECTIONS = ['horizontal', 'vertical']
CROP = dict(type='RandomCrop', crop_size=(16, 16))
RESIZE = dict(type='RandomResize', scale=(32, 24), ratio_range=(0.5, 2.0), keep_ratio=True)
DISTORT = dict(type='PhotoMetricDistortion')


@pytest.fixture
def cfg(own):
    """Random resizing and crops of 16x16 for labeled and unlabeled images of 32x24, a strong view, a plain val set."""
    cfg = own(MASKS, 3)
    dataset = cfg.train_dataloader.dataset
    for part in (dataset.labeled, dataset.unlabeled):
        part.pipeline[-1:-1] = [dict(RESIZE), dict(CROP), dict(FLIP)]
    strong = dict(strong=dict(type='StrongAugment'), size=(16, 16))
    segmentor = dict(decode_head=dict(num_classes=3, loss_decode=dict(type='CrossEntropyLoss')))
    cfg.model = dict(type='MeanTeacher', data_preprocessor=dict(IMAGENET, **strong), segmentor=segmentor)
    return cfg


def doubted(cfg, *words):
    warnings = check_semi_dataset(cfg).warnings
    assert len(warnings) == 1, warnings
    for word in words:
        assert word in warnings[0].text


def test_pipelines_that_agree_pass(cfg):
    report = inspect_data(cfg)
    assert not report.warnings and not report.problems


@pytest.mark.parametrize('name', ['labeled_pipeline', 'unlabeled_pipeline', 'test_pipeline'])
def test_a_variable_that_no_set_reads_is_doubted(cfg, name, tmp_path):
    """A config that inherits and changes only the variable would train and score as before."""
    dataset = cfg.train_dataloader.dataset
    sets = dict(labeled_pipeline=dataset.labeled, unlabeled_pipeline=dataset.unlabeled)
    cfg[name] = copy.deepcopy(sets.get(name, cfg.val_dataloader.dataset).pipeline)
    path = tmp_path / 'mine.py'

    def read(text):
        path.write_text(text)
        return Config(cfg.to_dict(), filename=str(path))

    own = f"_base_ = 'other.py'\n{name} = []"
    assert not check_semi_dataset(read(own)).warnings
    cfg[name].insert(1, dict(type='Resize', scale=(32, 24)))
    doubted(read(own), f'mine.py: {name} differs from the pipelines of the sets, so nothing reads it')
    assert not check_semi_dataset(read("_base_ = 'other.py'")).warnings  # the variable is that of the other file
    if name == 'unlabeled_pipeline':  # a config for supervised training
        dataset.unlabeled = None
        assert not check_semi_dataset(read(own)).warnings


def test_a_flip_of_masks_alone_is_refused(cfg):
    """The host turns predictions back, not masks: a perfect network would be scored as wrong."""
    cfg.val_dataloader.dataset.pipeline.insert(2, dict(FLIP))
    with pytest.raises(DatasetError, match=r'val_dataloader\.dataset: RandomFlip in its pipeline turns masks, too'):
        check_semi_dataset(cfg)
    cfg.val_dataloader.dataset.pipeline[2]['prob'] = 0.0  # as in the host's own test pipelines
    assert not check_semi_dataset(cfg).warnings


def test_a_flip_before_the_masks_is_random_only(cfg):
    """The host turns predictions back, and the mask was never turned; half of the images are still seen in a mirror."""
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(type='RandomFlip', prob=[0.0, 0.5], direction=DIRECTIONS))
    doubted(cfg, 'val_dataloader.dataset: RandomFlip in its pipeline: the scores depend on chance')
    cfg.val_dataloader.dataset.pipeline[1]['prob'] = [0.0, 0.0]
    assert not check_semi_dataset(cfg).warnings


def test_a_crop_of_the_validation_images_is_refused(cfg):
    """Said once: what is wrong need not be doubted."""
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(CROP))
    report = inspect_data(cfg)
    (problem,) = report.problems
    assert 'RandomCrop in its pipeline cuts a part out' in problem.text and not report.warnings


@pytest.mark.parametrize('step', [DISTORT, dict(type='RandomRotate', prob=0.5, degree=9.0)])
def test_a_random_score_is_doubted(cfg, step):
    cfg.val_dataloader.dataset.pipeline.insert(2, dict(step))
    doubted(cfg, f'val_dataloader.dataset: {step["type"]} in its pipeline: the scores depend on chance')


@pytest.mark.parametrize('name', ['PhotoMetricDistortion', 'RandomCutOut', 'Albu', 'RandomMosaic'])
def test_steps_of_the_host_that_distort(name):
    """By their names, because some need packages that are not installed here."""
    assert name in TRANSFORMS.module_dict
    step = type(name, (), {})()
    dataset = SimpleNamespace(pipeline=SimpleNamespace(transforms=[step, object()]))
    (problem,) = view_rules.weak_view_warnings('some set', dataset, dict(data_preprocessor=dict(strong=dict(type='X'))))
    assert problem.text.startswith(f'some set: {name} in its pipeline distorts')
    assert not list(view_rules.weak_view_warnings('some set', dataset, {}))
    (problem,) = view_rules.evaluation_warnings('some set', dataset)
    assert problem.text.startswith(f'some set: {name} in its pipeline: the scores')


def test_a_distorted_weak_view_is_doubted(cfg):
    unlabeled = cfg.train_dataloader.dataset.unlabeled
    unlabeled.pipeline.insert(1, dict(DISTORT))
    doubted(cfg, 'dataset.unlabeled: PhotoMetricDistortion', 'distorts the weak view')
    cfg.model.data_preprocessor.pop('strong')  # CPS learns the weak crop itself, so this is its augmentation
    assert not check_semi_dataset(cfg).warnings


def test_other_sizes_of_unlabeled_objects_are_doubted(cfg):
    unlabeled = cfg.train_dataloader.dataset.unlabeled
    unlabeled.pipeline[1]['scale'] = (64, 48)
    doubted(cfg, 'RandomResize((32, 24), (0.5, 2.0)), RandomCrop(16, 16)', 'RandomResize((64, 48), (0.5, 2.0))')
    unlabeled.pipeline[1:4] = []
    doubted(cfg, 'dataset.unlabeled no resizing')


@pytest.mark.parametrize(
    ('size', 'doubtful'), [((64, 64), True), ((16, 33), True), ((16, 32), False), ((17, 17), False)]
)
def test_crops_that_are_mostly_padding_are_doubted(cfg, size, doubtful):
    """256 pixels of 4096 or 528, but not of 512 or 289."""
    cfg.model.data_preprocessor.size = size
    cfg.train_dataloader.dataset.labeled.pipeline.insert(
        2, dict(type='RandomCrop', crop_size=(20, 20))
    )  # the last counts
    cfg.train_dataloader.dataset.unlabeled.pipeline.insert(1, dict(type='RandomCrop', crop_size=(20, 20)))
    if doubtful:
        doubted(cfg, f'crops of (16, 16), which model.data_preprocessor.size pads to {size}')
    else:
        assert not check_semi_dataset(cfg).warnings


def test_crops_of_unlabeled_images_are_compared_not_padded():
    """They are said to differ; the padding is that of labeled crops."""

    def of(*sizes):
        crops = [type('RandomCrop', (), dict(crop_size=size))() for size in sizes]
        return SimpleNamespace(pipeline=SimpleNamespace(transforms=crops))

    sets = dict(labeled=('a', of((64, 64)), None), unlabeled=('b', of((16, 16)), None))
    (problem,) = scale_rules.geometry_warnings(sets, dict(data_preprocessor=dict(size=(64, 64))))
    assert problem.text.startswith('a has RandomCrop(64, 64) in its pipeline, b RandomCrop(16, 16): the network')


@pytest.mark.parametrize(('scale', 'ratio'), [((32, 24), None), ((64, 48), None), ((128, 96), '4'), ((8, 6), '0.25')])
def test_validation_at_another_scale_is_doubted(cfg, scale, ratio):
    """Training shows images of 32x24 at a mean scale of sqrt(0.5 * 2) = 1."""
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(type='Resize', scale=scale, keep_ratio=True))
    if ratio:
        doubted(cfg, f'val_dataloader.dataset: its pipeline shows images at {ratio} times the scale of train')
    else:
        assert not check_semi_dataset(cfg).warnings


@pytest.mark.parametrize(
    ('step', 'ratio'),
    [
        (dict(type='Resize', scale=(300, 300), keep_ratio=True), '0.33'),  # to 300x150
        (dict(type='Resize', scale=(300, 300)), '0.24'),  # sqrt(300 * 300 / (100 * 50)) = 4.2
        (
            dict(type='RandomResize', scale=(100, 100), ratio_range=(4.0, 9.0), keep_ratio=True),
            '0.17',
        ),  # sqrt(4 * 9) = 6
        (dict(type='RandomResize', scale=(100, 100), ratio_range=(4.0, 9.0)), '0.12'),  # 6 * sqrt(2)
        (dict(type='RandomResize', scale=[(900, 900), (900, 900)], keep_ratio=True), None),  # a range: it is not known
        (dict(type='Resize', scale=(206, 206), keep_ratio=True), '0.49'),
        (dict(type='Resize', scale=(204, 204), keep_ratio=True), None),
    ],
)
@pytest.mark.parametrize('role', ['val', 'test'])
def test_scales_by_hand(step, ratio, role):
    """Of images of 100x50 in training, which are validated as they are."""

    def of(*steps):
        return SimpleNamespace(pipeline=SimpleNamespace(transforms=[TRANSFORMS.build(step) for step in steps]))

    sets = {'labeled': ('a', of(step), (100, 50)), role: ('b', of(), (100, 50))}
    found = [problem.text for problem in scale_rules.geometry_warnings(sets, {})]
    assert len(found) == (ratio is not None) and all(f'at {ratio} times the scale of a' in text for text in found)
    fourfold = dict(type='Resize', scale=(400, 400), keep_ratio=True)  # as large as they are
    sets = {'labeled': ('a', of(), (100, 50)), role: ('b', of(fourfold), (400, 200))}
    assert not list(scale_rules.geometry_warnings(sets, {}))
    same = dict(type='Resize', scale=(100, 50), keep_ratio=True)  # four times as large, and shown at one size
    sets = {'labeled': ('a', of(same), (100, 50)), role: ('b', of(same), (400, 200))}
    assert not list(scale_rules.geometry_warnings(sets, {}))
    sets = {'labeled': ('a', of(same), (100, 50)), role: ('b', of(same, fourfold), (100, 50))}
    assert len(list(scale_rules.geometry_warnings(sets, {}))) == 1


def test_a_forgotten_resize_is_doubted(cfg):
    """Training at four times the scale, which validation forgot: 32x24 where the network knows 128x96."""
    for part in ('labeled', 'unlabeled'):
        steps = cfg.train_dataloader.dataset[part].pipeline
        next(step for step in steps if step['type'] == 'RandomResize')['scale'] = (128, 96)
    doubted(cfg, 'shows images at 0.25 times the scale', "pipeline=[dict(type='LoadImageFromFile'), ")
    (said,) = check_semi_dataset(cfg).warnings
    dataset = cfg.val_dataloader.dataset
    dataset.update(eval(f'dict({said.text.partition("host does: ")[2]})'))  # what it says, word by word
    assert not check_semi_dataset(cfg).warnings
    dataset.pipeline[1].scale = (32, 24)
    doubted(cfg, 'Give Resize there scale=(128, 96)')
    dataset.pipeline[:2] = [dict(type='LoadDeepImage', max_value=255)]
    doubted(cfg, "Put dict(type='Resize', scale=(128, 96), keep_ratio=True) behind the step that loads images")


def test_a_normalization_for_values_up_to_one_is_refused(cfg):
    """Images would come with values of up to 1100."""
    cfg.model.data_preprocessor.update(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    with pytest.raises(DatasetError, match=r'for values from 0 to 1, but the pipeline returns 0 to 255. Multiply'):
        check_semi_dataset(cfg)
    cfg.model.data_preprocessor.update(mean=[0.0] * 3, std=[1.0] * 3)  # no normalization, by intention
    assert not check_semi_dataset(cfg).warnings


@pytest.mark.parametrize(
    ('mean', 'std', 'largest', 'refused'),
    [
        (0.5, 0.2, 255, True),
        (0.5, 0.2, 1, False),
        (0.5, 60, 255, False),
        (120, 0.2, 255, False),
        (None, None, 255, False),
    ],
)
def test_the_values_of_images_and_of_their_normalization(mean, std, largest, refused):
    """A dark corner does not matter, and neither do images that a pipeline of one's own divides by 255."""
    inputs = torch.zeros(3, 2, 2)
    inputs[0, 0, 0] = largest
    preprocessor = dict(mean=mean and [mean] * 3, std=std and [std] * 3)
    assert len([*view_rules.value_problems(dict(data_preprocessor=preprocessor), inputs)]) == refused


def test_colors_in_another_order_are_doubted(cfg):
    """Pretrained weights would see red as blue."""
    cfg.model.data_preprocessor.bgr_to_rgb = False
    doubted(cfg, "ImageNet's of red, green, blue, but with bgr_to_rgb=False images are blue, green, red")
    cfg.model.data_preprocessor.update(mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395])
    assert not check_semi_dataset(cfg).warnings
    cfg.model.data_preprocessor.bgr_to_rgb = True
    doubted(cfg, "ImageNet's of blue, green, red, but with bgr_to_rgb=True images are red, green, blue")


def test_a_preprocessor_within_the_segmentor_is_refused(cfg):
    """A plain config as ``segmentor``: what its preprocessor says is read by nobody."""
    cfg.model.segmentor.data_preprocessor = dict(type='SegDataPreProcessor', **IMAGENET)
    assert not check_semi_dataset(cfg).warnings
    for key in IMAGENET:
        cfg.model.data_preprocessor.pop(key)
    with pytest.raises(DatasetError, match=r'segmentor.data_preprocessor sets mean, std, bgr_to_rgb, which nothing'):
        check_semi_dataset(cfg)


def test_a_mean_over_many_ignored_pixels_is_doubted(own, cfg):
    """A third of the rows is labeled: the host's default divides by all of them."""
    sparse = np.full((24, 32), 255, np.uint8)
    sparse[:8] = MASKS[0][:8]
    model, cfg = cfg.model, own([sparse], 3)
    model.data_preprocessor.pop('size')
    cfg.model = model
    doubted(cfg, 'decode_head.loss_decode is divided by all pixels, of which 33% are labeled', 'avg_non_ignore=True')
    cfg.model.segmentor.decode_head.loss_decode.avg_non_ignore = True
    assert not check_semi_dataset(cfg).warnings
