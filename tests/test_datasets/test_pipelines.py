"""Pipelines of unlabeled images read no mask, and all pipelines turn images alike."""

import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, Draw

CROP = dict(type='RandomCrop', crop_size=(16, 16), cat_max_ratio=0.75)


@pytest.mark.parametrize(
    ('step', 'message'),
    [
        (CROP, r'step 2 of the unlabeled pipeline, RandomCrop, .*cat_max_ratio=0.75.*Remove cat_max_ratio'),
        (dict(type='LoadAnnotations'), r'step 2 of the unlabeled pipeline, LoadAnnotations, reads masks.*Remove it'),
        (dict(type='LoadScribbles'), r'LoadScribbles, reads masks'),
        (dict(type='RandomApply', transforms=[CROP]), r'step 2 .*, RandomCrop, looks at masks'),
        (dict(type='RandomChoice', transforms=[[CROP], []]), r'step 2 .*, RandomCrop, looks at masks'),
    ],
)
def test_a_step_that_reads_masks_is_named_before_training(semi_cfg, step, message):
    cfg = semi_cfg()
    cfg['unlabeled']['pipeline'].insert(1, step)
    with pytest.raises(DatasetError, match=message):
        DATASETS.build(cfg)
    cfg['unlabeled'] = dict(type='RepeatDataset', times=2, dataset=cfg['unlabeled'])
    with pytest.raises(DatasetError, match=message):
        DATASETS.build(cfg)


def test_a_crop_that_looks_at_no_mask_passes(semi_cfg):
    cfg = semi_cfg()
    cfg['unlabeled']['pipeline'].insert(1, dict(CROP, cat_max_ratio=1.0))
    DATASETS.build(cfg)


@pytest.mark.parametrize('kind', ['unchanged', 'color_ignore_orientation'])
def test_one_set_may_not_turn_images_by_their_tag_while_the_other_does_not(semi_cfg, kind):
    cfg = semi_cfg()
    load = dict(type='LoadImageFromFile', color_type=kind)
    cfg['unlabeled']['pipeline'][0] = load
    with pytest.raises(DatasetError, match=rf"'color' in labeled and '{kind}' in unlabeled.*EXIF"):
        DATASETS.build(cfg)
    cfg['labeled']['pipeline'][0] = load
    DATASETS.build(cfg)


def test_the_advice_fits_the_step_that_failed(data, semi_cfg):
    """A file that cannot be read is a matter of the file; any other step, of the pipeline."""
    cfg = semi_cfg()
    cfg['unlabeled']['pipeline'].insert(1, dict(type='GenerateEdge'))  # reads gt_seg_map
    with pytest.raises(DatasetError, match=r'Step GenerateEdge .* failed on .*00.png .*KeyError'):
        DATASETS.build(cfg)[Draw(0, (0,), 0)]
    (data / 'img_dir/train/00.png').write_bytes(b'broken')
    with pytest.raises(DatasetError, match=r'Could not load .*00.png .*check_dataset.py CONFIG --all'):
        DATASETS.build(cfg)[Draw(0, (0,), 0)]
