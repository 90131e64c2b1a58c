"""Scores of finding the errors of a prediction (ELN, Table 4)."""

from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from torch import Tensor

from ..ops import class_probabilities
from ..structures import IGNORE_INDEX

POSITIVE_CLASSES = ('error', 'correct')
BINS = 1000


@METRICS.register_module()
class ErrorLocalizationMetric(BaseMetric):
    r"""Precision, recall and F1 of a judge of ``pred_sem_seg``, against thresholds on the prediction's confidence.

    The judge is the map ``correctness`` of the samples (``model.predict_correctness=True``): the error localizer, or
    the correction network if the model has one. A pixel is called right if its correctness exceeds ``threshold``. With
    :math:`TP` the number of pixels that are correctly called an error (or right), per image and pooled,

    .. math:: P = \frac{TP}{\#called}, \quad R = \frac{TP}{\#there}, \quad F_1 = \frac{2 TP}{\#called + \#there}

    The paper does not say which class is the positive one, so both are reported: ``error`` and ``correct``. Keys are
    ``localizer/error_F1`` (the mean over images with an error, or with a pixel called an error),
    ``localizer/error_F1_pooled`` (over all pixels), ``confidence@0.9/error_F1`` and so on, in percent.

    The paper's table is of the teacher's prediction on the unlabeled images of a training: ``tools/test.py CONFIG
    CHECKPOINT --unlabeled --predict-on teacher``.

    F1 depends both on how well a judge ranks pixels and on its threshold. ``localizer/error_AP`` and
    ``confidence/error_AP`` only measure the ranking: the average precision of errors over all thresholds, pooled.

    Args:
        threshold: Correctness above which a pixel is called right.
        further_thresholds: More thresholds, reported as ``localizer@0.3``; choose one on val, as for the confidence.
        confidence_thresholds: Thresholds of the confidence baselines.
        **kwargs: As for mmengine's ``BaseMetric``.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        further_thresholds: Sequence[float] = (),
        confidence_thresholds: Sequence[float] = (0.5, 0.7, 0.8, 0.9, 0.95),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.threshold, self.further_thresholds = threshold, tuple(further_thresholds)
        self.confidence_thresholds = tuple(confidence_thresholds)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            KeyError: If a sample has no ``correctness``.
        """
        for sample in data_samples:
            if 'correctness' not in sample:
                raise KeyError(
                    'ErrorLocalizationMetric needs the map "correctness" in every sample. Set '
                    'model.predict_correctness=True (ELNWarmup, ELN).'
                )
            label = sample['gt_sem_seg']['data'].squeeze(0)
            predicted = sample['pred_sem_seg']['data'].squeeze(0).to(label.device)
            valid = label != IGNORE_INDEX
            right = (predicted == label)[valid]
            confidence = class_probabilities(sample['seg_logits']['data']).amax(dim=0).to(label.device)[valid]
            correctness = sample['correctness']['data'].to(label.device).squeeze(0)[valid]
            counts = {'localizer': _count(correctness > self.threshold, right)}
            for threshold in self.further_thresholds:
                counts[f'localizer@{threshold:g}'] = _count(correctness > threshold, right)
            for threshold in self.confidence_thresholds:
                counts[f'confidence@{threshold:g}'] = _count(confidence > threshold, right)
            ranked = dict(localizer=_histogram(correctness, right), confidence=_histogram(confidence, right))
            self.results.append(dict(counts=counts, ranked=ranked))

    def compute_metrics(self, results: List[Dict[str, Dict[str, np.ndarray]]]) -> Dict[str, float]:
        """Compute precision, recall and F1 of every judge, in percent; NaN where there is nothing to find."""
        metrics: Dict[str, float] = {}
        lines = ['judge            positive       P       R      F1  | pooled P       R      F1']
        for judge in results[0]['counts']:
            counts = np.stack([result['counts'][judge] for result in results]).astype(float)  # (images, 2, 3)
            for index, positive in enumerate(POSITIVE_CLASSES):
                own = counts[:, index]
                per_image = np.stack([_scores(row) for row in own])
                seen = ~np.isnan(per_image)
                mean = np.where(seen, per_image, 0).sum(axis=0) / np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
                values = [*mean, *_scores(own.sum(axis=0))]
                names = ['P', 'R', 'F1', 'P_pooled', 'R_pooled', 'F1_pooled']
                rounded = [round(100 * float(value), 2) for value in values]
                metrics.update({f'{judge}/{positive}_{name}': value for name, value in zip(names, rounded)})
                row = ' '.join(f'{value:7.2f}' for value in rounded[:3] + rounded[3:])
                lines.append(f'{judge:16s} {positive:8s} {row}')
        for judge in results[0]['ranked']:
            precision = _average_precision(np.sum([result['ranked'][judge] for result in results], axis=0))
            metrics[f'{judge}/error_AP'] = round(100 * precision, 2)
            lines.append(f'{judge:16s} error    average precision {100 * precision:.2f}')
        print_log('\n'.join(['Error localization:', *lines]), MMLogger.get_current_instance())
        return metrics


def _count(called_right: Tensor, right: Tensor) -> np.ndarray:
    """Count (hits, called, there) of errors, then of right pixels, (2, 3)."""
    rows = []
    for called, there in ((~called_right, ~right), (called_right, right)):
        rows.append(torch.stack([(called & there).sum(), called.sum(), there.sum()]))
    return torch.stack(rows).cpu().numpy()


def _histogram(score: Tensor, right: Tensor) -> np.ndarray:
    """Count wrong and right pixels by their score in [0, 1], (2, BINS)."""
    place = (score * BINS).long().clamp(0, BINS - 1) + BINS * right
    return torch.bincount(place, minlength=2 * BINS).reshape(2, BINS).cpu().numpy()


def _average_precision(histogram: np.ndarray) -> float:
    """Sum precision times gain in recall, from the lowest scores up; NaN without errors."""
    found, called = histogram[0].cumsum(), histogram.sum(axis=0).cumsum()
    if not found[-1]:
        return float('nan')
    return float((found / called.clip(min=1) * histogram[0]).sum() / found[-1])


def _scores(counts: np.ndarray) -> List[float]:
    """Compute precision, recall and F1 of (hits, called, there); NaN where the denominator is 0."""
    hits, called, there = counts
    ratios = ((hits, called), (hits, there), (2 * hits, called + there))
    return [part / whole if whole else float('nan') for part, whole in ratios]
