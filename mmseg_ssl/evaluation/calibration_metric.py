"""Expected calibration error: the distance between a network's confidence and its accuracy."""

from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from torch import Tensor

from ..ops import class_probabilities
from ..structures import IGNORE_INDEX


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    r"""Expected calibration error of ``seg_logits``, the first network's (Guo et al., ICML 2017, eq. 3).

    Pixels are sorted by the confidence of their class into :math:`M` equal bins :math:`B_m` of :math:`(0, 1]`. With
    the accuracy and the mean confidence of a bin, over the :math:`n` labeled pixels of all images together,

    .. math:: ECE = \sum_m \frac{|B_m|}{n} \, | acc(B_m) - conf(B_m) |

    0 is perfect, 100 the worst value. The key is ``ECE``, in percent. Of an image, three numbers per bin are kept,
    whatever its size.

    Args:
        num_bins: :math:`M`; 15 as in the paper.
        ignore_index: Label of ignored pixels.
        **kwargs: As for mmengine's ``BaseMetric``.

    Raises:
        ValueError: If there is no bin.
    """

    def __init__(self, num_bins: int = 15, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_bins < 1:
            raise ValueError(f'CalibrationMetric needs num_bins >= 1, got {num_bins}.')
        self.num_bins, self.ignore_index = num_bins, ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            KeyError: If a sample has no ``seg_logits``.
            ValueError: If their size differs from the mask's.
        """
        for sample in data_samples:
            if 'seg_logits' not in sample:
                raise KeyError(
                    'CalibrationMetric needs "seg_logits" in every sample; test-time augmentation keeps none. Take '
                    'the metric out of the evaluator.'
                )
            confidence, predicted = class_probabilities(sample['seg_logits']['data']).max(dim=0)
            label = sample['gt_sem_seg']['data'].squeeze(0).to(predicted.device)
            if label.shape != predicted.shape:
                raise ValueError(
                    f'CalibrationMetric compares logits and mask pixel by pixel, got {tuple(predicted.shape)} and '
                    f'{tuple(label.shape)}. Load the mask after Resize in the test pipeline.'
                )
            valid = label != self.ignore_index
            histogram = confidence_histogram(confidence[valid], (predicted == label)[valid], self.num_bins)
            self.results.append(histogram.cpu().numpy())

    def compute_metrics(self, results: List[np.ndarray]) -> Dict[str, float]:
        """Compute the error over all images, in percent; NaN if no pixel is labeled."""
        error = round(100 * expected_calibration_error(np.sum(results, axis=0)), 2)
        print_log(f'Expected calibration error: {error:.2f} %', MMLogger.get_current_instance())
        return dict(ECE=error)


def confidence_histogram(confidence: Tensor, right: Tensor, num_bins: int) -> Tensor:
    """Count pixels by confidence, in bins ``(m / M, (m + 1) / M]``; the first bin includes 0.

    Args:
        confidence: ``(N,)`` in ``[0, 1]``.
        right: ``(N,)`` bool, true where the predicted class is the label.
        num_bins: ``M``.

    Returns:
        ``(3, M)`` fp64: pixels, right pixels and the sum of the confidence of each bin.
    """
    places = (confidence.double() * num_bins).ceil().long().sub(1).clamp(0, num_bins - 1)
    rows = (torch.ones_like(confidence), right, confidence)
    return torch.stack([torch.bincount(places, row.double(), minlength=num_bins) for row in rows])


def expected_calibration_error(histogram: np.ndarray) -> float:
    """Compute the mean distance between accuracy and confidence over the bins, weighted by their pixels.

    Args:
        histogram: ``(3, M)`` from :func:`confidence_histogram`, or a sum of them.

    Returns:
        A share in ``[0, 1]``, NaN without pixels.
    """
    count, right, confidence = histogram
    # |B| / n * |right / |B| - confidence / |B||: |B| cancels, so empty bins need no special case
    return float(np.abs(right - confidence).sum() / count.sum()) if count.sum() else float('nan')
