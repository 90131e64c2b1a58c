"""``ScoreAtThisSize``: predictions on the resized grid, as ELN's on VOC."""

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

STEP = dict(type='ScoreAtThisSize')
RESIZE = dict(type='Resize', scale=(12, 12), keep_ratio=False)


def results():
    """An image of 20x30 with its mask, as they were loaded."""
    image, mask = np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.uint8)
    return dict(img=image, gt_seg_map=mask, seg_fields=['gt_seg_map'], ori_shape=(20, 30), img_shape=(20, 30))


def run(*steps, **changes):
    data = dict(results(), **changes)
    for step in steps:
        data = TRANSFORMS.build(step)(data)
    return TRANSFORMS.build(dict(type='PackSegInputs'))(data)['data_samples']


def test_the_prediction_has_the_size_of_the_mask():
    """The host gives a prediction the size ``ori_shape``; a mask of another size could not be compared with it."""
    sample = run(RESIZE, STEP)
    assert sample.ori_shape == (12, 12) == tuple(sample.gt_sem_seg.data.shape[1:])
    assert run(RESIZE).ori_shape == (20, 30)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match='image is 20x30, its mask 12x12. Put LoadAnnotations before Resize'):
        run(STEP, gt_seg_map=np.ones((12, 12), np.uint8))
