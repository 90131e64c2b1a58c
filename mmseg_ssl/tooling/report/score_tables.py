"""The tables of a report, from the counts of its images."""

import math
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ...evaluation import error_ranking
from ...evaluation.calibration_metric import expected_calibration_error
from .reported_run import ReportedRun
from .scored_images import Scores

HEADLINE = ('mIoU', 'pixels right', 'ECE', 'errors found (AUROC)', 'per image', 'per step', 'memory')
"""The numbers above everything else, in their order."""


def headline(run: ReportedRun, scored: str) -> List[Tuple[str, str, str]]:
    """Return the main numbers of a run: name, value, and what it is.

    Args:
        run: The run; what it did not leave is a dash.
        scored: Which images were scored.
    """
    scores, cost = run.scores, run.content.cost
    values: List[Tuple[Optional[str], str]] = []
    if scores is None:
        values += [(None, '')] * 5
    else:
        right = np.diag(scores.confusion).sum() / scores.confusion.sum()
        values += [
            (f'{100 * mean_iou(scores):.1f} %', f'mean over the classes, on {scored}'),
            (f'{100 * right:.1f} %', 'pixel accuracy'),
            (f'{100 * expected_calibration_error(scores.calibration):.1f} %', 'calibration error; 0 is perfect'),
            (_percent(error_ranking.error_auroc(scores.ranked['confidence'])), 'by the confidence; 50 % is chance'),
            (f'{scores.ms_per_image:,.0f} ms', f'to predict, on {scores.device}'),
        ]
    step, memory = cost['step_ms'], cost['memory_mb']
    values.append((None if step is None else f'{step:,.0f} ms', 'to train, without waiting for data'))
    values.append((None if memory is None else f'{memory:,.0f} MB', 'at the peak of training'))
    return [(name, value or '–', what) for name, (value, what) in zip(HEADLINE, values)]


def mean_iou(scores: Scores) -> float:
    """Compute the mIoU over the classes that occur, in [0, 1].

    Args:
        scores: The counts.
    """
    return float(np.nanmean(scores.ious()))


def class_rows(runs: Sequence[Tuple[str, ReportedRun]]) -> List[Dict[str, Any]]:
    """Make the table of classes: for each its color, its share of the labeled pixels, and its IoU in every run.

    Args:
        runs: Names and runs that have scores; classes are matched by their names.

    Returns:
        A row per class, in the order of the first run that has it.
    """
    rows: Dict[str, Dict[str, Any]] = {}
    for place, (_, run) in enumerate(runs):
        assert run.scores is not None
        pixels, ious = run.scores.confusion.sum(axis=1), run.scores.ious()
        for name, color, count, iou in zip(run.classes, run.palette, pixels, ious):
            empty = dict(name=name, color=color, share=100 * count / pixels.sum(), ious=[None] * len(runs))
            rows.setdefault(name, empty)['ious'][place] = None if math.isnan(iou) else 100 * float(iou)
    return list(rows.values())


def confusion_rows(run: ReportedRun) -> List[Dict[str, Any]]:
    """Make the confusion matrix: of the pixels with a label, the percentage that each class was predicted for.

    Args:
        run: With scores.

    Returns:
        A row per class that is labeled, with its name and its cells.
    """
    assert run.scores is not None
    rows = []
    for place, (name, counts) in enumerate(zip(run.classes, run.scores.confusion)):
        if counts.sum():
            cells = [dict(value=100 * count / counts.sum(), own=place == column) for column, count in enumerate(counts)]
            rows.append(dict(name=name, cells=cells))
    return rows


def mix_ups(run: ReportedRun, count: int = 5) -> List[Dict[str, Any]]:
    """List the most frequent mistakes.

    Args:
        run: With scores.
        count: How many.

    Returns:
        Label, prediction, its share of the label's pixels and of all wrong pixels in %, the most frequent first.
    """
    assert run.scores is not None
    confusion = run.scores.confusion
    wrong = confusion - np.diag(np.diag(confusion))
    found = []
    for place in np.argsort(wrong, axis=None)[::-1][:count]:
        label, pred = np.unravel_index(int(place), wrong.shape)
        if wrong[label, pred]:
            of_label, of_wrong = confusion[label].sum(), wrong.sum()
            shares = dict(label_share=100 * wrong[label, pred] / of_label, share=100 * wrong[label, pred] / of_wrong)
            found.append(dict(label=run.classes[label], pred=run.classes[pred], **shares))
    return found


def doubt_rows(ranked: Mapping[str, np.ndarray]) -> List[Tuple[str, List[str]]]:
    """Make the table of maps of doubt: how well each tells wrong pixels from right ones, in %.

    Args:
        ranked: Map -> ``(2, B)`` wrong and right pixels.

    Returns:
        Name of each map with AUROC, average precision, AURC, E-AURC and the risk at 80 % coverage.
    """
    scores = (
        error_ranking.error_auroc,
        error_ranking.error_average_precision,
        error_ranking.risk_coverage_area,
        error_ranking.excess_risk_coverage_area,
        lambda histogram: error_ranking.risk_at_coverage(histogram, 0.8),
    )
    return [(name, [_percent(score(histogram)) for score in scores]) for name, histogram in ranked.items()]


def _percent(share: float) -> str:
    return '–' if math.isnan(share) else f'{100 * share:.1f} %'
