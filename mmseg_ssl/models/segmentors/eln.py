"""ELN, second stage: teach the student where the localizer trusts the teacher (Kwon & Kwak, CVPR 2022)."""

from typing import Any, Optional, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import masked_mean
from ...structures import IGNORE_INDEX, PixelTarget
from ..data_preprocessor import valid_pixels
from ..ema_teacher import EMATeacher
from ..labelling import labelling
from ..losses import pixel_cross_entropy
from ..sampled_contrast import SampledContrast
from .base import LossDict, Views, ViewSamples
from .eln_warmup import ELNWarmup

PSEUDO_MEANS = ('all', 'kept')
UNLABELED_VIEWS = ('weak', 'strong')


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
        pseudo_mean: Whether eq. 9 is the mean over ``'all'`` pixels of the images, a rejected one counting as 0, or
            over the ``'kept'`` ones.
        student_views: Views that the student is taught on, of ``'weak'`` and ``'strong'``; their losses add up.
        contrast: Options of :class:`SampledContrast`.
        teacher: Options of :class:`EMATeacher`.
        projection: Options of :class:`ProjectionHead`.
        side_heads: Further side heads of the student by name.
        **kwargs: As for :class:`ELNWarmup`.

    Deviations from the paper, beside those of :class:`ELNWarmup` (the public code's choices in brackets; each has an
    option but where it says "not offered"):
        1. Eq. 10 takes sampled anchors and keys, and the mean over an anchor's positives, because the sum grows with
           the number of pixels; ``contrast=dict(positives='sum')`` is the equation as written. (Windows of 32x32, the
           logarithm of sums, divided by the pixels of a class: ``contrast=dict(windows=8, positives='log_sum')``.)
        2. Anchors are the student's, as eq. 10 has it (``contrast=dict(anchors='teacher')``).
        3. Eq. 9 is the mean over all pixels, the equation's sum without its growth (``pseudo_mean='kept'``).
        4. The student sees the strong view alone, as in eq. 9 (``student_views=('weak', 'strong')``).
        5. The teacher copies BatchNorm statistics and predicts in eval mode. (Parameters alone are averaged, and
           BatchNorm is in train mode: ``teacher=dict(eval_mode=False, buffers='own')``; that the code's dropout is off
           while its BatchNorm trains is not offered: give the decode head ``dropout_ratio=0``.)
        6. The student is never overwritten (by the teacher each epoch: ``ELNStageHook(reset_interval=266)``).
        7. Pseudo labels and the localizer's judgement are at the size of the image (at the stride of the decode head;
           not offered: the host's losses of labelled images are at the size of the image too).
        8. The localizer judges unlabelled images in eval mode; the text does not say.
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
        pseudo_mean: str = 'all',
        student_views: Sequence[str] = ('strong',),
        contrast: Optional[dict] = None,
        teacher: Optional[dict] = None,
        projection: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        _check(threshold, pseudo_mean, student_views)
        side_heads = dict(side_heads or {}, projection=dict(type='ProjectionHead', **(projection or {})))
        super().__init__(segmentor, side_heads=side_heads, **kwargs)
        self.teacher = EMATeacher(self.student, **(teacher or {}))
        self.contrast = SampledContrast(self.student.num_classes, **(contrast or {}))
        self.threshold, self.pseudo_mean, self.student_views = threshold, pseudo_mean, tuple(student_views)
        self.pseudo_weight, self.contrast_weight = pseudo_weight, contrast_weight

    def semi_losses(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of labelled and unlabelled images (eq. 7 and eq. 11)."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        weak = self.teacher(inputs['weak'])
        target = self.pseudo_labels(inputs['weak'], weak.logits).reweight(valid)

        images = [inputs['sup'], *(inputs[view] for view in self.student_views)]
        sup, *taught = self.student(torch.cat(images)).split([len(view) for view in images])

        losses = self.labeled_losses(inputs['sup'], sup, data_samples['sup'])
        projection = weak.side['projection']
        labels, over = (
            self.kept_labels(target, projection.shape[2:]),
            valid if self.pseudo_mean == 'all' else target.weight,
        )
        pseudo = sum(masked_mean(pixel_cross_entropy(own.logits, target), over=over) for own in taught)
        contrast = sum(self.contrast(own.side['projection'], projection, labels) for own in taught)
        losses['unsup.loss_pseudo'] = self.pseudo_weight * self.unsup_scale * pseudo
        losses['unsup.loss_contrast'] = self.contrast_weight * self.unsup_scale * contrast
        losses['unsup.kept'] = masked_mean(target.weight, over=valid)
        return losses

    def pseudo_labels(self, images: Tensor, logits: Tensor) -> PixelTarget:
        """The teacher's classes where the localizer trusts them."""
        with labelling(self.localizer):
            output = self.localizer(images, logits)
        return self.localizer.target(output, logits, self.threshold)

    @staticmethod
    def kept_labels(target: PixelTarget, size: Sequence[int]) -> Tensor:
        """Classes ``(B, h, w)`` at the stride of the decode head, 255 where a pixel was rejected."""
        kept = target.label.where(target.weight > 0, IGNORE_INDEX)
        return F.interpolate(kept[:, None].float(), size=size, mode='nearest-exact')[:, 0].long()


def _check(threshold: float, pseudo_mean: str, student_views: Sequence[str]) -> None:
    """Refuse options that are not possible."""
    if not 0 <= threshold <= 1 or pseudo_mean not in PSEUDO_MEANS:
        raise ValueError(
            f'ELN: threshold is a probability in [0, 1] and pseudo_mean one of {PSEUDO_MEANS}, got {threshold} and '
            f'{pseudo_mean!r}.'
        )
    if isinstance(student_views, str) or not student_views or not set(student_views) <= set(UNLABELED_VIEWS):
        raise ValueError(
            f"ELN: student_views names some of {UNLABELED_VIEWS}, e.g. ('strong',), got {student_views!r}."
        )
