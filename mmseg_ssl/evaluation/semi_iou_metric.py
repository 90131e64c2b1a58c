"""IoU of several networks from one pass over the data."""

from typing import Any, Dict, List, Sequence

import torch
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

FIELD = 'pred_sem_seg_'


@METRICS.register_module()
class SemiIoUMetric(IoUMetric):
    """The host's ``IoUMetric`` for every network that predicted.

    With ``predict_on=('student', 'teacher')`` the metrics are ``student/mIoU`` and ``teacher/mIoU``; with one network
    they have the host's names. Options are the host's. Per-class IoUs are reported too, as ``IoU.<class>``.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; see ``IoUMetric.process``. Files are written of the first network alone."""
        for sample in data_samples:
            # sorted: the fields of a sample come as a set, whose order differs from process to process
            names = sorted(key[len(FIELD) :] for key in sample if key.startswith(FIELD)) or ['']
            if self.output_dir is not None:
                before = len(self.results)
                super().process(data_batch, [sample])
                del self.results[before:]
            if not self.format_only:
                predicted = {name: sample[FIELD + name] if name else sample['pred_sem_seg'] for name in names}
                self.results.append({name: self._count(sample, pred) for name, pred in predicted.items()})

    def _count(self, sample: dict, pred: dict) -> Any:
        """Areas of intersection, union, prediction and label, by class."""
        pred_label = pred['data'].squeeze()
        label = sample['gt_sem_seg']['data'].squeeze().to(pred_label)
        return self.intersect_and_union(pred_label, label, len(self.dataset_meta['classes']), self.ignore_index)

    def compute_metrics(self, results: List[Dict[str, Any]]) -> Dict[str, float]:
        """Metrics of every network, with its name in front where there are several."""
        if self.format_only:
            return super().compute_metrics(results)
        metrics: Dict[str, float] = {}
        for name in results[0]:
            prefix = f'{name}/' if name else ''
            if name:
                print_log(f'Network "{name}":', MMLogger.get_current_instance())
            own = [result[name] for result in results]
            metrics.update({prefix + key: value for key, value in super().compute_metrics(own).items()})
            intersect, union = (sum(torch.as_tensor(result[i]) for result in own) for i in (0, 1))
            for label, iou in zip(self.dataset_meta['classes'], (intersect / union * 100).tolist()):
                metrics[f'{prefix}IoU.{label}'] = round(iou, 2)
        return metrics
