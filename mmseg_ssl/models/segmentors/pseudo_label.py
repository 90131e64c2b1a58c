"""Offline self-training: a network learns from labels that another one wrote beforehand."""

from typing import Any, List, Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import masked_mean
from ...structures import IGNORE_INDEX, PixelTarget
from ...utils.choices import not_negative, probability
from ..branch import Branch
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class PseudoLabel(SemiSegmentor):
    r"""Train strong views on labels that ``tools/pseudo_label.py`` wrote: simpler than a teacher in the loop.

    ::

        sup    --> student <-- ground truth
        strong --> student <-- label and confidence, read with the image <-- files <-- a trained network

    .. math:: L = L_{sup} + \lambda \, \frac{1}{|K|} \sum_{i \in K} CE(f(s)_i, \hat y_i)

    :math:`K` are the pixels that have a label and reach the threshold. One network call per step. The one-stage form of
    ST++ (Yang et al., CVPR 2022, arXiv 2106.05095): strong views, hard labels, no threshold.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        unsup_weight: :math:`\lambda`.
        threshold: Confidence that a pixel must reach, in ``[0, 1]``, in addition to what the tool left out. It is
            compared with 8-bit values, so differences below 1/255 do not matter.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from ST++:
        1. Its second round (labels of the most reliable images first) is a second run: ``tools/pseudo_label.py
           --earlier`` ranks the images, and ``unlabeled.ann_file`` takes the list.
        2. Labeled and pseudo-labeled images have a loss each and a fixed ratio per batch; the public code puts them in
           one pool and repeats the labeled ones.
        3. No Cutout.
    """

    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.0,
        threshold: float = 0.0,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.unsup_weight, self.threshold = not_negative(unsup_weight=unsup_weight), probability(threshold=threshold)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        target = self.written_target(data_samples['weak'], inputs['weak'])
        # the tool leaves 255 where it was unsure; such pixels are not counted either
        kept = valid & (target.label != IGNORE_INDEX)

        sup, strong = self.predict_views(self.student, inputs['sup'], inputs['strong'])

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        pseudo = masked_mean(pixel_cross_entropy(strong.logits, target), over=kept)
        losses['unsup.loss_pseudo'] = self.unsup_weight * pseudo
        losses['unsup.kept'] = masked_mean(kept.float(), over=valid)
        self.show('student', image=inputs['strong'], pred=strong, target=target, valid=valid)
        return losses

    @torch.no_grad()
    def written_target(self, samples: List[SegDataSample], images: Tensor) -> PixelTarget:
        """Return the labels that came with the images.

        Args:
            samples: With ``pseudo_sem_seg``, ``(2, H, W)`` uint8: classes and confidence times 255.
            images: Their view, ``(B, 3, H, W)``; smaller maps are padded with 255.

        Returns:
            Label ``(B, H, W)``, 255 where there is none or its confidence is too low, and weight 1.

        Raises:
            ValueError: If a sample has no such map.
        """
        if not all('pseudo_sem_seg' in sample for sample in samples):
            raise ValueError(
                'PseudoLabel needs the labels that tools/pseudo_label.py wrote; the unlabeled samples carry none. '
                "Take unlabeled=dict(type='PseudoLabeledImages', pseudo_labels=...) with LoadPseudoLabels and "
                'PackPseudoLabels in its pipeline.'
            )
        height, width = images.shape[2:]
        maps = [sample.pseudo_sem_seg.data for sample in samples]
        # the preprocessor has padded the images, but not these maps
        padded = [F.pad(m, (0, width - m.shape[2], 0, height - m.shape[1]), value=IGNORE_INDEX) for m in maps]
        label, confidence = torch.stack(padded).to(images.device).unbind(dim=1)
        confidence = confidence.float() / 255
        label = label.long().where(confidence >= self.threshold, label.new_full((), IGNORE_INDEX, dtype=torch.long))
        return PixelTarget(label, torch.ones_like(confidence))
