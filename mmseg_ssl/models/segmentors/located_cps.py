"""CPS whose labels an error localizer checks: a combination, of no paper."""

from typing import Any, Dict, List, Optional

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ...ops import masked_mean
from ...structures import PixelTarget, Prediction
from ..data_preprocessor import valid_pixels
from ..labelling import labelling
from .base import LossDict
from .cps import CPS, Taught


@MODELS.register_module()
class LocatedCPS(CPS):
    r"""Each network learns the other's argmax where ELN's localizer calls it right.

    ::

        sup  --> student, peer <-- ground truth
                     | predictions
                     v
                 localizer <-- was the prediction right?                                       (ELN, eq. 5)
        weak --> student --> argmax, kept where localizer(weak, argmax) says right --> peer    (ELN, eq. 9)
        weak --> peer ----> argmax, kept likewise --> student

    One localizer judges both networks, which are each other's auxiliary decoders here: trained apart, they err apart.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        localizer: Options of :class:`ErrorLocalizer`, or the config of another judge.
        threshold: Correctness that a pixel must exceed, in ``[0, 1]``.
        **kwargs: As for :class:`CPS`.

    Deviations from the papers: those of :class:`CPS`; of ELN, no auxiliary decoders and no phases. The localizer learns
    from the first step on; ``UnsupRampHook`` is how the labels wait for it.
    """

    def __init__(
        self, segmentor: dict, localizer: Optional[dict] = None, threshold: float = 0.5, **kwargs: Any
    ) -> None:
        super().__init__(segmentor, **kwargs)
        if not 0 <= threshold <= 1:
            raise ValueError(f'LocatedCPS: threshold is a probability in [0, 1], got {threshold}.')
        judge = dict(dict(type='ErrorLocalizer'), **(localizer or {}))
        self.localizer = MODELS.build(judge, default_args=dict(num_classes=self.student.num_classes))
        self.threshold = threshold

    def pseudo_labels(self, images: Tensor, logits: Tensor) -> PixelTarget:
        """A network's argmax where the localizer trusts it."""
        with labelling(self.localizer):
            return self.localizer.target(self.localizer(images, logits), logits, self.threshold)

    def supervised_losses(
        self, images: Tensor, preds: Dict[str, Dict[str, Prediction]], samples: List[SegDataSample]
    ) -> LossDict:
        """Both networks' losses of the labelled images, and the localizer's, which judges both."""
        losses = super().supervised_losses(images, preds, samples)
        judged = torch.cat([preds[name]['labeled'].logits for name in self.networks]).detach()
        label = torch.cat([sample.gt_sem_seg.data for sample in samples]).repeat(2, 1, 1)
        inside = valid_pixels(samples, images).repeat(2, 1, 1)
        output = self.localizer(images.repeat(2, 1, 1, 1), judged)
        found = self.localizer.loss(output, judged, label, inside)
        losses.update({f'localizer.{key}': value for key, value in found.items()})
        return losses

    def diagnostics(self, taught: Taught) -> LossDict:
        """The networks' agreement, and the share of pixels that each teaches."""
        logs = super().diagnostics(taught)
        for name, target in taught.targets.items():
            logs[f'{name}.kept'] = masked_mean(target.weight, over=taught.valid)
        return logs
