"""Calibration: the distance between a network's probabilities and what happens."""

from typing import Any, Dict, List, Sequence, Union

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from torch import Tensor

from ..structures import IGNORE_INDEX
from .labeled_pixels import probabilities_and_label

SCORES = ('ECE', 'cwECE', 'Brier')


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    r"""Calibration of ``seg_logits``, the first network's.

    ``ECE``, the expected calibration error (Guo et al., ICML 2017, eq. 3): pixels are sorted by the confidence of their
    class into :math:`M` equal bins :math:`B_m` of :math:`(0, 1]`. With the accuracy and the mean confidence of a bin,
    over the :math:`n` labeled pixels of all images together,

    .. math:: ECE = \sum_m \frac{|B_m|}{n} \, | acc(B_m) - conf(B_m) |

    ``cwECE``, class-wise (Kull et al., NeurIPS 2019, eq. 3; the static calibration error of Nixon et al., CVPR
    Workshops 2019): the same for each class against the rest, of its probability and the share of pixels with its
    label, over all pixels, as ``cwECE.<class>``; ``cwECE`` is their mean. Both are in percent: 0 is perfect.

    ``Brier`` (Brier, 1950): the mean over pixels of :math:`\sum_c (p_c - y_c)^2`, with :math:`y` one-hot; 0 is perfect,
    2 the worst value. It falls both with calibration and with accuracy.

    Of an image, three numbers per bin are kept (and class), whatever its size.

    Args:
        num_bins: :math:`M`; 15 as in the paper.
        ignore_index: Label of ignored pixels.
        scores: Some of ``'ECE'``, ``'cwECE'`` and ``'Brier'``.
        **kwargs: As for mmengine's ``BaseMetric``.

    Raises:
        ValueError: If there is no bin, no score, or an unknown one.
    """

    def __init__(
        self,
        num_bins: int = 15,
        ignore_index: int = IGNORE_INDEX,
        scores: Sequence[str] = ('ECE',),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_bins < 1:
            raise ValueError(f'CalibrationMetric needs num_bins >= 1, got {num_bins}.')
        if isinstance(scores, str) or not scores or not set(scores) <= set(SCORES):
            raise ValueError(f"CalibrationMetric: scores are some of {SCORES}, e.g. ('ECE',), got {scores!r}.")
        self.num_bins, self.ignore_index, self.scores = num_bins, ignore_index, tuple(scores)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            KeyError: If a sample has no ``seg_logits``.
            ValueError: If their size differs from the mask's.
        """
        for sample in data_samples:
            probs, label = probabilities_and_label(sample, 'CalibrationMetric')
            valid = label != self.ignore_index
            counts = {}
            if 'ECE' in self.scores:
                counts['ECE'] = self._histogram(*probs.max(dim=0), label, valid)
            if 'cwECE' in self.scores:
                classes = [self._histogram(one, k, label, valid) for k, one in enumerate(probs)]
                counts['cwECE'] = torch.stack(classes)
            if 'Brier' in self.scores:
                counts['Brier'] = squared_errors(probs[:, valid], label[valid])
            self.results.append({score: count.cpu().numpy() for score, count in counts.items()})

    def _histogram(self, probability: Tensor, named: Union[Tensor, int], label: Tensor, valid: Tensor) -> Tensor:
        """Count the pixels by the probability of the class that is named, one for all or one for each."""
        return confidence_histogram(probability[valid], (label == named)[valid], self.num_bins)

    def compute_metrics(self, results: List[Dict[str, np.ndarray]]) -> Dict[str, float]:
        """Compute the scores over all images; NaN if no pixel is labeled."""
        total = {score: np.sum([result[score] for result in results], axis=0) for score in self.scores}
        metrics: Dict[str, float] = {}
        if 'ECE' in total:
            metrics['ECE'] = round(100 * expected_calibration_error(total['ECE']), 2)
            print_log(f'Expected calibration error: {metrics["ECE"]:.2f} %', MMLogger.get_current_instance())
        if 'cwECE' in total:
            errors = [100 * expected_calibration_error(one) for one in total['cwECE']]
            classes = (self.dataset_meta or {}).get('classes', range(len(errors)))
            metrics['cwECE'] = round(float(np.mean(errors)), 2)
            metrics.update({f'cwECE.{label}': round(error, 2) for label, error in zip(classes, errors)})
            print_log(f'Class-wise calibration error: {metrics["cwECE"]:.2f} %', MMLogger.get_current_instance())
        if 'Brier' in total:
            error, pixels = total['Brier']
            metrics['Brier'] = round(float(error / pixels), 4) if pixels else float('nan')
            print_log(f'Brier score: {metrics["Brier"]:.4f}', MMLogger.get_current_instance())
        return metrics


def squared_errors(probs: Tensor, label: Tensor) -> Tensor:
    """Sum the Brier score over pixels, without a one-hot map.

    Args:
        probs: ``(C, N)`` summing to one over dim 0.
        label: ``(N,)`` int64 in ``[0, C)``.

    Returns:
        ``(2,)`` fp64: the sum of the squared errors, in ``[0, 2 N]``, and N.
    """
    own = probs.gather(0, label[None].long())[0]
    # (1 - own)^2 - own^2 = 1 - 2 own
    errors = probs.square().sum(dim=0) + 1 - 2 * own
    return torch.stack([errors.double().sum(), errors.new_tensor(len(label), dtype=torch.float64)])


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
