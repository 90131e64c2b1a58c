"""What is wrong: which classes an image shows, or where they are?"""

from typing import Any, Dict, List, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor

from ..structures import IGNORE_INDEX
from .labeled_pixels import probabilities_and_label
from .semi_iou_metric import named_ious


@METRICS.register_module()
class KnownClassesMetric(BaseMetric):
    r"""IoU of the first network if somebody said which classes each image shows.

    With the classes :math:`K` of an image's mask, a pixel is given to :math:`\arg\max_{c \in K} p_c`, the most likely
    class among them. What that gains over the plain mIoU is lost by taking a thing for another one that the image does
    not show; what is still missing to 100 are regions and their borders.

    Keys are ``mKnownIoU``, over the classes that occur in the ground truth, and ``KnownIoU.<class>``, in percent.

    Args:
        ignore_index: Label of ignored pixels.
        **kwargs: As for mmengine's ``BaseMetric``.
    """

    def __init__(self, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        Raises:
            KeyError: If a sample has no ``seg_logits``.
            ValueError: If their size differs from the mask's.
        """
        for sample in data_samples:
            probs, label = probabilities_and_label(sample, 'KnownClassesMetric')
            predicted = most_likely_of_shown(probs, label, self.ignore_index)
            self.results.append(IoUMetric.intersect_and_union(predicted, label, len(probs), self.ignore_index))

    def compute_metrics(self, results: List[Sequence[Tensor]]) -> Dict[str, float]:
        """Compute the scores over all images, in percent; NaN of a class that is nowhere."""
        intersection, union = (
            np.sum([result[part].numpy() for result in results], axis=0, dtype=np.float64) for part in (0, 1)
        )
        scores = named_ious('KnownIoU', self.dataset_meta['classes'], intersection, union)
        known = f'mIoU if the classes of each image were known: {scores["mKnownIoU"]:.2f} %'
        print_log(known, MMLogger.get_current_instance())
        return scores


def most_likely_of_shown(probs: Tensor, label: Tensor, ignore_index: int) -> Tensor:
    """Return the most likely class of each pixel among those that the mask shows.

    Args:
        probs: ``(C, H, W)``.
        label: ``(H, W)`` class indices.
        ignore_index: Label of ignored pixels.

    Returns:
        ``(H, W)`` int64; 0 everywhere if all of the mask is ignored.
    """
    shown = label[label != ignore_index].unique().long()
    return shown[probs[shown].argmax(dim=0)] if len(shown) else label.new_zeros(label.shape).long()
