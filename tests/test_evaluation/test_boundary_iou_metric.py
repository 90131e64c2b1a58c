"""``BoundaryIoUMetric`` against the definition and the public code's steps."""

import math

import cv2
import numpy as np
import pytest
import torch

from mmseg_ssl.evaluation import BoundaryIoUMetric
from mmseg_ssl.evaluation.boundary_iou_metric import boundary_width, inner_boundary


def sample(label, predicted, **others):
    fields = dict(gt_sem_seg=label, pred_sem_seg=predicted, **others)
    return {name: dict(data=torch.as_tensor(data)[None].long()) for name, data in fields.items()}


def evaluate(samples, num_classes=2, **options):
    metric = BoundaryIoUMetric(**options)
    metric.dataset_meta = dict(classes=tuple('abcdef'[:num_classes]))
    for item in samples:
        metric.process({}, [item])
    return metric.evaluate(len(samples))


def public_boundary(mask, ratio=0.02):
    """The steps of the paper's public code (mask_to_boundary), for one binary mask."""
    height, width = mask.shape
    dilation = max(1, int(round(ratio * np.sqrt(height**2 + width**2))))
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=dilation)
    return mask - eroded[1 : height + 1, 1 : width + 1]


def blobs(height, width, num_classes):
    """A map of random regions."""
    coarse = np.random.randint(0, num_classes, (height // 12 + 1, width // 12 + 1)).astype(np.uint8)
    return np.kron(coarse, np.ones((12, 12), np.uint8))[:height, :width].astype(np.int64)


@pytest.mark.parametrize('void', [False, True])
def test_equals_the_public_code_class_by_class(void):
    """Void is what the masks of the public code leave out: no class there, in the truth as in the prediction."""
    images = [(blobs(90, 120, 4), blobs(90, 120, 4)) for _ in range(2)]
    areas = np.zeros((2, 4))
    for label, predicted in images:
        if void:
            label[20:40, 30:70] = 255
        for k in range(4):
            inside = label != 255
            truth, found = (
                public_boundary(((one == k) & inside).astype(np.uint8), 0.03).astype(bool) for one in (label, predicted)
            )
            areas[:, k] += (truth & found).sum(), (truth | found).sum()
    expected = 100 * areas[0] / areas[1]
    result = evaluate([sample(*pair) for pair in images], 4, dilation_ratio=0.03)
    assert [result[f'BoundaryIoU.{k}'] for k in 'abcd'] == pytest.approx(expected.tolist(), abs=0.006)
    assert result['mBoundaryIoU'] == pytest.approx(expected.mean(), abs=0.006)


def test_by_hand():
    """6x6 of class a with a width of 1: its ring has 20 pixels. The prediction lacks the last column: the ring of its
    5x6 pixels has 18. Shared are 5 of the first row, 5 of the last and the other 4 of the first column; the right side
    of the prediction is inside of the truth. 14 of 20 + 18 - 14.
    """
    label, predicted = np.zeros((6, 6), int), np.zeros((6, 6), int)
    predicted[:, 5] = 1
    result = evaluate([sample(label, predicted)])
    assert result['BoundaryIoU.a'] == round(100 * 14 / 24, 2)
    assert result['BoundaryIoU.b'] == 0
    assert result['mBoundaryIoU'] == round((100 * 14 / 24 + 0) / 2, 2)


def test_the_inside_does_not_count():
    """A hole far from the contour costs its own contour alone; the same prediction of the contour still shares it."""
    label = np.zeros((100, 100), int)
    predicted = label.copy()
    predicted[50, 50] = 1
    truth = inner_boundary(label, label == 255, 3)
    assert truth.sum() == 100 * 100 - 94 * 94 and not truth[50, 50]
    assert evaluate([sample(label, predicted)])['BoundaryIoU.a'] == round(100 * 1164 / (1164 + 48), 2)


def test_width_is_that_of_the_paper():
    assert [boundary_width(size, 0.02) for size in ((1024, 2048), (360, 480), (10, 10))] == [46, 12, 1]


def test_void_pixels_are_nowhere():
    label = np.zeros((8, 8), int)
    label[:, 4:] = 255
    predicted = np.zeros((8, 8), int)
    predicted[:, 4:] = 1
    result = evaluate([sample(label, predicted)])
    assert result['BoundaryIoU.a'] == 100
    assert math.isnan(result['BoundaryIoU.b'])
    assert result['mBoundaryIoU'] == 100


def test_every_network_has_its_own_scores():
    label = np.zeros((8, 8), int)
    item = sample(label, label, pred_sem_seg_student=label, pred_sem_seg_teacher=label + 1)
    result = evaluate([dict(item, predicted_by=('student', 'teacher'))])
    names = ('mBoundaryIoU', 'student/mBoundaryIoU', 'teacher/mBoundaryIoU')
    assert [result[name] for name in names] == [100, 100, 0]


def test_errors_tell_the_fix():
    with pytest.raises(ValueError, match='Load the mask after Resize'):
        evaluate([sample(np.zeros((4, 4)), np.zeros((2, 2)))])
    with pytest.raises(ValueError, match='dilation_ratio is a share of the diagonal, got 0'):
        BoundaryIoUMetric(dilation_ratio=0)
    nothing = evaluate([sample(np.full((4, 4), 255), np.zeros((4, 4)))])
    assert all(math.isnan(value) for value in nothing.values())
