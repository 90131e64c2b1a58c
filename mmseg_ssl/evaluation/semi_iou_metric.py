"""IoU of several networks from one pass over the data."""

import math
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

from ..utils.image_names import name_of_image

FIELD = 'pred_sem_seg_'


@METRICS.register_module()
class SemiIoUMetric(IoUMetric):
    """The host's ``IoUMetric`` for every network that predicted.

    With ``predict_on=('student', 'teacher')`` the metrics are ``student/mIoU`` and ``teacher/mIoU``; with one network
    they have the host's names. The metrics of the first network are also reported under the host's names, so that
    ``save_best='mIoU'`` and ``EarlyStoppingHook(monitor='mIoU')`` refer to it. Per-class IoUs are reported as
    ``IoU.<class>``.

    With ``output_dir`` the predicted masks are written into this folder, or, of several networks, into one subfolder
    per network.

    Args:
        image_root: Folder of the images. Masks are written under the images' paths below it, so that images of the same
            name in two folders do not collide; without it, under the file name only, as in the host. ``tools/test.py
            --out`` sets it.
        **kwargs: The host's options.
    """

    output_dir: Optional[str]
    format_only: bool

    def __init__(self, *args: Any, image_root: Optional[str] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.image_root = image_root
        self._written: Dict[str, str] = {}
        self.by_class: Dict[str, Dict[str, Dict[str, Optional[float]]]] = {}  # of the last evaluation, by network

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch, and write its masks; see ``IoUMetric.process``."""
        for sample in data_samples:
            found = predictions_of(sample)
            if self.output_dir is not None:
                for name, predicted in found.items():
                    self._write(self.output_dir, name, sample, predicted)
            if not self.format_only:
                self.results.append({name: self._count(sample, predicted) for name, predicted in found.items()})

    def _count(self, sample: dict, pred: dict) -> Any:
        """Count the areas of intersection, union, prediction and label per class."""
        pred_label = pred['data'].squeeze()
        label = sample['gt_sem_seg']['data'].squeeze().to(pred_label)
        return self.intersect_and_union(pred_label, label, len(self.dataset_meta['classes']), self.ignore_index)

    def _write(self, root: str, network: str, sample: dict, pred: dict) -> None:
        """Let the host write a mask, since it knows the class numbers of the files, but under our name.

        Raises:
            ValueError: Another image's mask has this name.
        """
        place = Path(network, name_of_image(sample['img_path'], self.image_root))
        other = self._written.setdefault(str(place), sample['img_path'])
        if other != sample['img_path']:
            raise ValueError(
                f'{other} and {sample["img_path"]} would both be written to {place}.png. Set image_root of '
                'SemiIoUMetric to a folder above both, or run tools/test.py --out, which does this.'
            )
        format_only = self.format_only
        self.output_dir, self.format_only = os.path.join(root, place.parent), True
        os.makedirs(self.output_dir, exist_ok=True)
        super().process({}, [dict(sample, pred_sem_seg=pred, img_path=f'{place.name}.png')])
        self.output_dir, self.format_only = root, format_only

    def compute_metrics(self, results: List[Dict[str, Any]]) -> Dict[str, float]:
        """Compute the metrics of every network, prefixed with its name if there are several."""
        if self.format_only:
            return super().compute_metrics(results)
        metrics: Dict[str, float] = {}
        for name in results[0]:
            prefix = f'{name}/' if name else ''
            if name:
                print_log(f'Network "{name}":', MMLogger.get_current_instance())
            own = [result[name] for result in results]
            summary = super().compute_metrics(own)
            # the first network's plain names come first, since save_best='auto' takes the first metric
            metrics = metrics or dict(summary)
            metrics.update({prefix + key: value for key, value in summary.items()})
            zero = torch.zeros(())
            intersect, union = (sum((torch.as_tensor(result[i]) for result in own), zero) for i in (0, 1))
            for label, iou in zip(self.dataset_meta['classes'], (intersect / union * 100).tolist()):
                metrics[f'{prefix}IoU.{label}'] = round(iou, 2)
            self.by_class[name] = scores_by_class(self.dataset_meta['classes'], own)
        return metrics


def scores_by_class(classes: Sequence[str], counts: Sequence[Any]) -> Dict[str, Dict[str, Optional[float]]]:
    """Compute scores of every class over all images.

    Args:
        classes: Names of the ``C`` classes.
        counts: Per image the pixels of intersection, union, prediction and label, ``(C,)`` each.

    Returns:
        Class -> ``pixels`` (its share of the labeled pixels), ``IoU``, ``accuracy`` (the share of its pixels that is
        found) and ``precision`` (the share of what is called so that is right), in percent; None where it would be 0/0.
    """
    sums = [torch.stack([torch.as_tensor(image[part]) for image in counts]).double().sum(dim=0) for part in range(4)]
    right, union, called, labeled = (values.tolist() for values in sums)
    total = sum(labeled)

    def percent(part: float, whole: float) -> Optional[float]:
        return round(100 * part / whole, 2) if whole else None

    return {
        name: dict(
            pixels=percent(labeled[index], total),
            IoU=percent(right[index], union[index]),
            accuracy=percent(right[index], labeled[index]),
            precision=percent(right[index], called[index]),
        )
        for index, name in enumerate(classes)
    }


def named_ious(name: str, classes: Sequence[str], intersection: np.ndarray, union: np.ndarray) -> Dict[str, float]:
    """Return the scores of a kind of IoU, in percent.

    Args:
        name: Of the kind, such as ``BoundaryIoU``.
        classes: Names of the ``C`` classes.
        intersection: ``(C,)`` pixels of all images.
        union: The same.

    Returns:
        ``m<name>``, the mean over the classes whose union has pixels, and ``<name>.<class>``; NaN if there is none.
    """
    scores = 100 * intersection / np.where(union > 0, union, np.nan)
    mean = float(np.nanmean(scores)) if (union > 0).any() else math.nan
    by_class = {f'{name}.{label}': round(score, 2) for label, score in zip(classes, scores.tolist())}
    return {f'm{name}': round(mean, 2), **by_class}


def predictions_of(sample: dict) -> Dict[str, Any]:
    """Return the prediction of each network by its name, in the order of ``predict_on``; of a single one as ``''``."""
    return {name: sample[FIELD + name] if name else sample['pred_sem_seg'] for name in predicted_by(sample)}


def predicted_by(sample: dict) -> Tuple[str, ...]:
    """Return the networks that predicted a sample, in the order of ``predict_on``; ``('',)`` for a single one."""
    names = tuple(sample.get('predicted_by', ()))
    return names if len(names) > 1 else ('',)
