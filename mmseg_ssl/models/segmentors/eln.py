"""ELN, second stage: teach the student where the localizer trusts the teacher (Kwon & Kwak, CVPR 2022)."""

from typing import Any, Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import masked_mean, sample_per_class
from ...structures import IGNORE_INDEX, PixelTarget, Prediction
from ..data_preprocessor import valid_pixels
from ..ema_teacher import EMATeacher
from ..losses import pixel_contrast, pixel_cross_entropy
from .base import LossDict, Views, ViewSamples
from .eln_warmup import ELNWarmup

ANCHORS = ('student', 'teacher')


@MODELS.register_module()
class ELN(ELNWarmup):
    r"""Pseudo labels of an EMA teacher, kept where the localizer says "right", and a contrast between their pixels.

    ::

        sup    --> student, auxiliary decoders, localizer <-- ground truth                      (ELNWarmup)
        weak   --> teacher --> argmax, kept where localizer(weak, argmax) says right --> target
        strong --> student <-- cross entropy with the target (eq. 9)
                      |  projection
                      `------- contrast with the teacher's projection, classes of the target (eq. 10)

    .. math:: L = L_{sup} + L_{aux} + L_{ELN} + L_{pseudo} + L_{contra}

    Three phases: ``pretrain`` and ``warmup`` as in :class:`ELNWarmup`, then ``semi``. One merged student call, one
    teacher call and two localizer calls a step, the second without a gradient and in eval mode.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: Correctness that a pixel must exceed; 0.5 is the paper's rounding.
        pseudo_weight: Weight of eq. 9.
        contrast_weight: Weight of eq. 10.
        temperature: :math:`\tau` of eq. 10.
        samples_per_class: Largest number of anchors, and of keys, of a class; memory grows with its square.
        positives: ``'mean'`` or ``'sum'`` over the positives of an anchor, see :func:`pixel_contrast`.
        anchors: Whose pixels are the anchors; the other network's are the keys.
        teacher: Options of :class:`EMATeacher`.
        projection: Options of :class:`ProjectionHead`.
        side_heads: Further side heads of the student by name.
        **kwargs: As for :class:`ELNWarmup`.

    Deviations from the paper, beside those of :class:`ELNWarmup` (the public code's choices in brackets):
        1. Eq. 10 takes sampled anchors and keys, of the images of one process, and the mean over an anchor's positives:
           the sum grows with the number of pixels. ``positives='sum'`` is the equation as written. (The public code
           takes pixels in 32x32 windows, the logarithm of sums, and divides by the pixels of a class.)
        2. Anchors are the student's (``anchors='teacher'``).
        3. Eq. 9 is the mean over all pixels of the image, a rejected one counting as 0. (Mean over kept pixels; the
           student is taught on the weak view too.)
        4. The teacher copies BatchNorm statistics and predicts in eval mode (parameters alone are averaged, and
           BatchNorm is in train mode: ``teacher=dict(eval_mode=False)``).
        5. The student is never overwritten (by the teacher each epoch: ``ELNStageHook(reset_interval=266)``).
        6. The localizer judges unlabelled images in eval mode; neither text nor code says otherwise of the paper's.
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')
    stages = ('pretrain', 'warmup', 'semi')

    def __init__(
        self,
        segmentor: dict,
        threshold: float = 0.5,
        pseudo_weight: float = 1.0,
        contrast_weight: float = 1.0,
        temperature: float = 0.5,
        samples_per_class: int = 256,
        positives: str = 'mean',
        anchors: str = 'student',
        teacher: Optional[dict] = None,
        projection: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        if anchors not in ANCHORS or not 0 <= threshold <= 1:
            raise ValueError(
                f'ELN: anchors is one of {ANCHORS} and threshold a probability in [0, 1], got {anchors!r} and '
                f'{threshold}.'
            )
        side_heads = dict(side_heads or {}, projection=dict(type='ProjectionHead', **(projection or {})))
        super().__init__(segmentor, side_heads=side_heads, **kwargs)
        self.teacher = EMATeacher(self.student, **(teacher or {}))
        self.threshold, self.anchors = threshold, anchors
        self.pseudo_weight, self.contrast_weight = pseudo_weight, contrast_weight
        self.temperature, self.samples_per_class, self.positives = temperature, samples_per_class, positives

    def semi_losses(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of labelled and unlabelled images (eq. 7 and eq. 11)."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        weak = self.teacher(inputs['weak'])
        target = self.pseudo_labels(inputs['weak'], weak.logits).reweight(valid)

        merged = torch.cat([inputs['sup'], inputs['strong']])
        sup, strong = self.student(merged).split([len(inputs['sup']), len(inputs['strong'])])

        losses = self.labeled_losses(inputs['sup'], sup, data_samples['sup'])
        pseudo = masked_mean(pixel_cross_entropy(strong.logits, target), over=valid)
        losses['unsup.loss_pseudo'] = self.pseudo_weight * pseudo
        losses['unsup.loss_contrast'] = self.contrast_weight * self.contrast(strong, weak, target)
        losses['unsup.kept'] = masked_mean(target.weight, over=valid)
        return losses

    @torch.no_grad()
    def pseudo_labels(self, images: Tensor, logits: Tensor) -> PixelTarget:
        """The teacher's classes where the localizer trusts them."""
        training = self.localizer.training
        self.localizer.eval()
        output = self.localizer(images, logits)
        self.localizer.train(training)
        return self.localizer.target(output, logits, self.threshold)

    def contrast(self, student: Prediction, teacher: Prediction, target: PixelTarget) -> Tensor:
        """Eq. 10 between sampled pixels, at the stride of the decode head."""
        kept = target.label.where(target.weight > 0, target.label.new_full((), IGNORE_INDEX))
        size = student.side['projection'].shape[2:]
        labels = F.interpolate(kept[:, None].float(), size=size, mode='nearest-exact').long().flatten()
        own, other = (_pixels(pred.side['projection']) for pred in (student, teacher))
        anchors, keys = (own, other) if self.anchors == 'student' else (other, own)
        of_anchors, of_keys = (sample_per_class(labels, self.samples_per_class) for _ in range(2))
        return pixel_contrast(
            anchors[of_anchors], keys[of_keys], labels[of_anchors], labels[of_keys], self.temperature, self.positives
        )


def _pixels(embedding: Tensor) -> Tensor:
    """(B, D, h, w) -> (B h w, D)."""
    return embedding.movedim(1, -1).flatten(0, 2)
