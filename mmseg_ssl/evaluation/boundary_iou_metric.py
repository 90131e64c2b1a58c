"""Boundary IoU: how well contours are found, whatever the size of what they enclose."""

import math
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS

from ..structures import IGNORE_INDEX
from .semi_iou_metric import named_ious, predictions_of


@METRICS.register_module()
class BoundaryIoUMetric(BaseMetric):
    r"""Boundary IoU of every network that predicted (Cheng et al., CVPR 2021, eq. 2).

    With the pixels :math:`G` and :math:`P` of a class in the ground truth and in the prediction, and those of them
    that are at most :math:`d` pixels from their contour, :math:`G_d` and :math:`P_d`,

    .. math:: BIoU = \frac{|G_d \cap P_d|}{|G_d \cup P_d|}

    summed over images before the division, as for mIoU. As in the public code, distance is measured by squares,
    :math:`d` is 2 % of the image's diagonal, rounded, at least 1, and the border of the image is a contour.

    Void counts as outside of the image: void pixels are in no set, whatever is predicted there, and their border is a
    contour of both masks.

    Keys are ``mBoundaryIoU``, over the classes that occur in the ground truth or the prediction, and
    ``BoundaryIoU.<class>``, in percent; of several networks with their name in front, and of the first one also
    without.

    Args:
        dilation_ratio: :math:`d` as a share of the diagonal.
        ignore_index: Label of void pixels.
        **kwargs: As for mmengine's ``BaseMetric``.

    Raises:
        ValueError: If the share is not positive.
    """

    def __init__(self, dilation_ratio: float = 0.02, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not dilation_ratio > 0:
            raise ValueError(f'BoundaryIoUMetric: dilation_ratio is a share of the diagonal, got {dilation_ratio}.')
        self.dilation_ratio, self.ignore_index = dilation_ratio, ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            ValueError: If a prediction's size differs from the mask's.
        """
        for sample in data_samples:
            label = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
            void = label == self.ignore_index
            width = boundary_width(label.shape, self.dilation_ratio)
            truth = inner_boundary(label, void, width)
            counts = {}
            for name, prediction in predictions_of(sample).items():
                predicted = prediction['data'].squeeze(0).cpu().numpy()
                if predicted.shape != label.shape:
                    raise ValueError(
                        f'BoundaryIoUMetric compares prediction and mask pixel by pixel, got {predicted.shape} and '
                        f'{label.shape}. Load the mask after Resize in the test pipeline.'
                    )
                found = inner_boundary(predicted, void, width)
                counts[name] = boundary_areas(label, predicted, truth, found, len(self.dataset_meta['classes']))
            self.results.append(counts)

    def compute_metrics(self, results: List[Dict[str, np.ndarray]]) -> Dict[str, float]:
        """Compute the scores of every network over all images, in percent; NaN of a class that is nowhere."""
        metrics: Dict[str, float] = {}
        for name in results[0]:
            intersection, union = np.sum([result[name] for result in results], axis=0)
            own = named_ious('BoundaryIoU', self.dataset_meta['classes'], intersection, union)
            of = f' of {name}' if name else ''
            print_log(f'Boundary IoU{of}: {own["mBoundaryIoU"]:.2f} %', MMLogger.get_current_instance())
            metrics = metrics or dict(own)
            metrics.update({f'{name}/{key}' if name else key: score for key, score in own.items()})
        return metrics


def boundary_width(size: Sequence[int], ratio: float) -> int:
    """Return the width of a contour in pixels, at least 1.

    Args:
        size: Height and width of the image.
        ratio: Share of its diagonal.
    """
    return max(1, int(round(ratio * math.hypot(*size))))


def inner_boundary(labels: np.ndarray, void: np.ndarray, width: int) -> np.ndarray:
    """Find the pixels that are near the contour of their own class, of all classes at once.

    A pixel is in the eroded mask of its class if the square around it holds this class alone, that is if the smallest
    and the largest label in it are equal.

    Args:
        labels: ``(H, W)`` class indices.
        void: ``(H, W)`` bool, what counts as outside of the image.
        width: Half the side of the square.

    Returns:
        ``(H, W)`` bool, false on void pixels.
    """
    outside = np.iinfo(np.uint16).max  # no class
    values = np.where(void, outside, labels).astype(np.uint16)
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    # for the smallest label the border of the image needs no value: the largest one tells
    smallest = cv2.erode(values, square)
    largest = cv2.dilate(values, square, borderType=cv2.BORDER_CONSTANT, borderValue=(outside,))
    return (smallest != largest) & ~void


def boundary_areas(
    label: np.ndarray, predicted: np.ndarray, truth: np.ndarray, found: np.ndarray, num_classes: int
) -> np.ndarray:
    """Count the pixels of the contours of each class.

    Args:
        label: ``(H, W)`` classes of the ground truth.
        predicted: ``(H, W)`` classes of the prediction.
        truth: ``(H, W)`` bool, contours of the ground truth, as of :func:`inner_boundary`.
        found: ``(H, W)`` bool, contours of the prediction.
        num_classes: ``C``.

    Returns:
        ``(2, C)`` int64: intersection and union of the two.
    """

    def count(classes: np.ndarray) -> np.ndarray:
        return np.bincount(classes, minlength=num_classes)[:num_classes]

    intersection = count(label[truth & found & (label == predicted)])
    return np.stack([intersection, count(label[truth]) + count(predicted[found]) - intersection])
