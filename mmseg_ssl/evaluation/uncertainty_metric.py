"""Which map of a prediction tells wrong pixels from right ones: confidence, entropy, energy, variance, ..."""

from typing import Any, Dict, List, Mapping, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.registry import METRICS
from torch import Tensor

from ..models.losses.energy import free_energy
from ..ops import class_logits, normalized_entropy
from ..structures import IGNORE_INDEX
from . import error_ranking
from .labeled_pixels import probabilities_and_label

SIGNS = dict(variance=1, energy=1, correctness=-1)
"""Maps of the package's networks -> 1 where a high value means doubt, -1 where it means trust."""


@METRICS.register_module()
class UncertaintyMetric(BaseMetric):
    """How well each map of the samples tells the wrong pixels of ``pred_sem_seg``, the first network's, from the right.

    The maps are ``confidence`` (the highest class probability), ``entropy`` and ``energy`` (free energy) of
    ``seg_logits``, and of the sample's own maps those that are there: ``variance`` (DUEB, ``VarianceHead``),
    ``correctness`` (ELN with ``predict_correctness=True``), and the map of an ``EnergyHead``.

    Over the labeled pixels of all images together, in percent, for each map:

    - ``<map>/AUROC``: how often a wrong pixel has more doubt than a right one. 50 says nothing, 100 is best.
    - ``<map>/AP``: average precision of the errors. Their share says nothing, 100 is best.
    - ``<map>/AURC``, ``<map>/E-AURC``: area under the risk-coverage curve (Geifman & El-Yaniv, NeurIPS 2017), and what
      it exceeds the best possible order by (Geifman et al., ICLR 2019); low is good. AURC also measures the number of
      errors, E-AURC alone compares networks.
    - ``<map>/risk@0.8``: share of errors in the 80 % least doubtful pixels.

    Of the pixels with a confidence above t, ``kept@t/share`` of all, ``kept@t/precision`` is the share that is right,
    ``kept@t/recall`` the share of the right pixels that are kept, and ``kept@t/F1`` their harmonic mean.

    Of an image, :data:`~mmseg_ssl.evaluation.error_ranking.BINS` counts of wrong and right pixels are kept per map (32
    KB), whatever its size and the map's range; :mod:`~mmseg_ssl.evaluation.error_ranking` has the equations and says
    what binning costs. torchmetrics' binned scores need values in [0, 1] and a pass over the pixels per threshold, and
    it has no risk-coverage curve.

    Args:
        signs: Further maps of the samples: 1 where a high value means doubt, -1 where it means trust.
        coverages: Coverages at which the risk is reported, in (0, 1].
        thresholds: Confidences above which pixels are kept.
        ignore_index: Label of ignored pixels.
        **kwargs: As for mmengine's ``BaseMetric``.

    Raises:
        ValueError: A coverage is not in (0, 1], or a sign is neither 1 nor -1.
    """

    def __init__(
        self,
        signs: Mapping[str, int] = {},  # read only
        coverages: Sequence[float] = (0.8, 0.95),
        thresholds: Sequence[float] = (0.5, 0.7, 0.8, 0.9, 0.95),
        ignore_index: int = IGNORE_INDEX,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not all(0 < coverage <= 1 for coverage in coverages):
            raise ValueError(f'UncertaintyMetric: coverages are shares in (0, 1], got {tuple(coverages)}.')
        if not all(sign in (1, -1) for sign in signs.values()):
            raise ValueError(f'UncertaintyMetric: a sign is 1 (doubt) or -1 (trust), got {dict(signs)}.')
        self.signs = {**SIGNS, **signs}
        self.coverages, self.thresholds, self.ignore_index = tuple(coverages), tuple(thresholds), ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            KeyError: If a sample has no ``seg_logits``.
            ValueError: If their size differs from the mask's.
        """
        for sample in data_samples:
            probs, label = probabilities_and_label(sample, 'UncertaintyMetric')
            valid = label != self.ignore_index
            right = (sample['pred_sem_seg']['data'].squeeze(0).to(label) == label)[valid]
            confidence = probs.amax(dim=0)
            doubts = dict(confidence=1 - confidence, **doubts_of_logits(sample['seg_logits']['data'], probs))
            for name, sign in self.signs.items():
                if name in sample:
                    doubts[name] = sign * sample[name]['data'].to(confidence).squeeze(0)
            ranked = {name: error_ranking.doubt_histogram(doubt[valid], right) for name, doubt in doubts.items()}
            above = confidence[valid] > torch.tensor(self.thresholds).to(confidence)[:, None]  # (T, N)
            kept = torch.stack([above.sum(dim=1), (above & right).sum(dim=1)])
            self.results.append(
                dict(
                    kept=kept.cpu().numpy(),
                    # an image has less than 2^32 pixels
                    ranked={name: counts.cpu().numpy().astype(np.uint32) for name, counts in ranked.items()},
                )
            )

    def compute_metrics(self, results: List[Dict[str, Any]]) -> Dict[str, float]:
        """Compute the scores over all images, in percent; NaN where there is nothing to tell."""
        metrics: Dict[str, float] = {}
        columns = ['AUROC', 'AP', 'AURC', 'E-AURC', *(f'risk@{coverage:g}' for coverage in self.coverages)]
        lines = ['Wrong pixels told from right ones:', ' '.join(f'{name:>12s}' for name in ['map', *columns])]
        ranked = {
            name: np.sum([result['ranked'][name] for result in results], axis=0, dtype=np.int64)
            for name in results[0]['ranked']
        }
        for name, histogram in ranked.items():
            values = [
                error_ranking.error_auroc(histogram),
                error_ranking.error_average_precision(histogram),
                error_ranking.risk_coverage_area(histogram),
                error_ranking.excess_risk_coverage_area(histogram),
                *(error_ranking.risk_at_coverage(histogram, coverage) for coverage in self.coverages),
            ]
            scores = {column: round(100 * value, 2) for column, value in zip(columns, values)}
            metrics.update({f'{name}/{column}': score for column, score in scores.items()})
            lines.append(' '.join([f'{name:>12s}', *(f'{score:12.2f}' for score in scores.values())]))
        pixels = ranked['confidence'].sum(axis=1)
        kept = np.sum([result['kept'] for result in results], axis=0)
        for threshold, (count, right) in zip(self.thresholds, kept.T):
            scores = kept_scores(int(count), int(right), *map(int, pixels))
            metrics.update({f'kept@{threshold:g}/{column}': round(100 * score, 2) for column, score in scores.items()})
        print_log('\n'.join(lines), MMLogger.get_current_instance())
        return metrics


def doubts_of_logits(seg_logits: Tensor, probs: Tensor) -> Dict[str, Tensor]:
    """Compute entropy and free energy of every pixel.

    Args:
        seg_logits: ``(C, H, W)``; of one channel, the probability of class 1, as the host gives it.
        probs: ``(C, H, W)``, their class probabilities.

    Returns:
        ``entropy`` in ``[0, 1]`` and ``energy`` in the unit of the logits, each ``(H, W)``.
    """
    logits = seg_logits if len(seg_logits) > 1 else torch.logit(seg_logits.double(), eps=1e-12)
    return dict(entropy=normalized_entropy(probs[None])[0], energy=free_energy(class_logits(logits[None]))[0])


def kept_scores(kept: int, right_kept: int, wrong: int, right: int) -> Dict[str, float]:
    """Compute how good a choice of pixels is.

    Args:
        kept: Number of pixels that were kept.
        right_kept: Number of right pixels among them.
        wrong: Number of wrong pixels, kept or not.
        right: Number of right pixels, kept or not.

    Returns:
        ``share`` of the pixels that are kept, and ``precision``, ``recall`` and ``F1`` of keeping the right ones, each
        in ``[0, 1]``; NaN where the denominator is 0.
    """
    parts = dict(
        share=(kept, wrong + right),
        precision=(right_kept, kept),
        recall=(right_kept, right),
        F1=(2 * right_kept, kept + right),
    )
    return {name: part / whole if whole else float('nan') for name, (part, whole) in parts.items()}
