"""Test-time augmentation of every network that predicts."""

from typing import Dict, List, Sequence

import torch
from mmengine.structures import PixelData
from mmseg.models.segmentors import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ..ops import class_probabilities
from .decoding import heads_of


@MODELS.register_module()
class SemiTTAModel(SegTTAModel):
    r"""The host's ``SegTTAModel`` for every network of ``predict_on`` and for plain mmseg models.

    For each network, class probabilities are averaged over the views, each un-flipped and at the image's
    size, :math:`\bar p = \frac{1}{V} \sum_v p_v`; the prediction is the likeliest class. The merged sample has the same
    fields as a sample without augmentation: ``seg_logits`` is :math:`\log \bar p`, whose softmax is the mean, and other
    maps (``variance``, ``correctness``) are means.

    For a head with one channel, whose ``seg_logits`` hold the probability of class 1, the mean is kept and compared
    with the head's ``threshold``. (The host's class takes the sigmoid of that probability once more, which makes every
    pixel foreground.)

    Args:
        module: Config of the model.
        data_preprocessor: As for ``SegTTAModel``.
    """

    def merge_preds(self, data_samples_list: List[Sequence[SegDataSample]]) -> List[SegDataSample]:
        """Merge the views of each image.

        Args:
            data_samples_list: Predictions of every image, one per view.

        Returns:
            One sample per image.
        """
        return [self._merge(views) for views in data_samples_list]

    def _merge(self, views: Sequence[SegDataSample]) -> SegDataSample:
        # what is not averaged, such as the mask, is that of a view that shows the image as it is
        merged = next((view for view in views if not view.metainfo.get('flip')), views[0]).new()
        names = getattr(self.module, 'predictors', ('',))
        for field in _other_maps(merged):
            merged.set_data({field: PixelData(data=sum(view.get(field).data for view in views) / len(views))})
        for place, name in enumerate(names):
            # the first network fills the host's own fields, too
            suffix = f'_{name}' if len(names) > 1 else ''
            means = self._mean([view.get(f'seg_logits{suffix}').data for view in views], name)
            for key, value in means.items():
                merged.set_data({f'{key}{suffix}': value, **({key: value} if place == 0 else {})})
        return merged

    def _mean(self, maps: List[Tensor], name: str) -> Dict[str, PixelData]:
        """Merge the logits and the prediction of one network."""
        mean = sum((class_probabilities(one) for one in maps), torch.zeros(())) / len(maps)
        if len(maps[0]) == 1:
            head = heads_of((self.module.branch(name).segmentor if name else self.module).decode_head)[-1]
            predicted, logits = mean[1:] > head.threshold, mean[1:]
        else:
            predicted, logits = mean.argmax(dim=0, keepdim=True), mean.clamp(min=torch.finfo(mean.dtype).tiny).log()
        return dict(pred_sem_seg=PixelData(data=predicted.to(torch.int64)), seg_logits=PixelData(data=logits))


def _other_maps(sample: SegDataSample) -> List[str]:
    """List the fields that are neither logits nor labels: maps of numbers."""
    return [
        key
        for key, value in sample.items()
        if not key.startswith(('seg_logits', 'pred_sem_seg', 'gt_'))
        and isinstance(value, PixelData)
        and value.data.is_floating_point()
    ]
