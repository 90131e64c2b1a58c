"""ELN, second stage: train the student where the localizer trusts the teacher (Kwon & Kwak, CVPR 2022)."""

import copy
from typing import Any, Optional, Sequence

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...structures import Prediction
from ...utils.choices import not_negative, one_of, probability
from ..auxiliary_decoders import AuxiliaryDecoders
from ..branch import Branch
from ..cutmix import UNIMATCH_BOX
from ..ema_teacher import EMATeacher
from ..inference import BranchInference
from ..judge import REDUCTIONS, judge_labeled
from ..label_modes import labeling_mode
from ..localized_inference import LocalizedInference
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from ..sampled_contrast import SampledContrast, kept_classes
from .base import LossDict, SemiSegmentor, Views, ViewSamples

PSEUDO_MEANS = ('all', 'kept')
UNLABELED_VIEWS = ('weak', 'strong')


@MODELS.register_module()
class ELN(SemiSegmentor):
    r"""Pseudo labels of an EMA teacher, kept where the localizer calls them right, and a contrast of their pixels.

    ::

        sup    --> student, auxiliary decoders, localizer <-- ground truth                      (ELNWarmup)
        weak   --> teacher --> argmax, kept where localizer(weak, argmax) says right --> target
        strong --> student <-- cross entropy with the target (eq. 9)
                      |  projection
                      `------- contrast with the teacher's projection, classes of the target (eq. 10)

    .. math:: L = L_{sup} + L_{aux} + L_{ELN} + L_{pseudo} + L_{contra}

    Three stages: ``pretrain`` and ``warmup`` as in :class:`ELNWarmup`, then ``semi``. One merged student call, one
    teacher call and two localizer calls per step, the second without a gradient and in eval mode.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each auxiliary decoder is one more ``decode_head`` of it.
        slack: As for :class:`ELNWarmup`, like ``localizer``, ``gate``, ``reduction`` and ``predict_correctness``.
        localizer: Config of the judge.
        gate: ``'image'`` or ``'batch'``, whose losses eq. 3 compares.
        reduction: Of the localizer's loss over the decoders.
        predict_correctness: Whether ``predict`` adds the map ``correctness``.
        threshold: Correctness that a pixel must exceed; 0.5 is the paper's rounding.
        pseudo_weight: Weight of eq. 9.
        contrast_weight: Weight of eq. 10; the loss is some hundred times the public code's in the default form of
            :class:`SampledContrast`, which gives the sizes.
        pseudo_mean: Pixels that eq. 9 is the mean of: ``'all'`` pixels of the images, where a rejected one counts as 0,
            or the ``'kept'`` ones.
        student_views: Views that the student is trained on, of ``'weak'`` and ``'strong'``; their losses add up.
        contrast: Options of :class:`SampledContrast`.
        cutmix: Options of :class:`CutMix` for the student's views and their targets; ``prob`` is 0 by default.
        teacher: Options of :class:`EMATeacher`; a trained network is refused, its place is in other methods.
        projection: Options of :class:`ProjectionHead`.
        side_heads: Further side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper, beside those of :class:`ELNWarmup` (the public code's choices in brackets; each has an
    option, which ``eln_r50_voc-eln_1-20_release.py`` sets, but where it says "not offered"):
        1. Eq. 10 takes sampled anchors and keys, and the mean over an anchor's positives, because the sum grows with
           the number of pixels; ``contrast=dict(positives='sum')`` is the equation as written, the config ends in
           ``contrast-sum``. (Windows of 32x32, the logarithm of sums, divided by the pixels of a class:
           ``contrast=dict(windows=8, positives='log_sum')``. All configs with the paper's data have this form: only of
           it is 1 a weight that leaves eq. 9 a share.)
        2. Anchors are the student's, as eq. 10 has it (``contrast=dict(anchors='teacher')``, as the same configs).
        3. Eq. 9 is the mean over all pixels, the equation's sum without its growth (``pseudo_mean='kept'``).
        4. The student sees the strong view alone, as in eq. 9 (``student_views=('weak', 'strong')``).
        5. The teacher copies BatchNorm statistics and predicts in eval mode. (Parameters alone are averaged, and
           BatchNorm is in train mode: ``teacher=dict(eval_mode=False, buffers='own')``; that the code's dropout is off
           while its BatchNorm trains is not offered: give the decode head ``dropout_ratio=0``.)
        6. The student is never overwritten (by the teacher each epoch: ``ELNStageHook(reset_interval=266)``).
        7. Pseudo labels and the localizer's judgment are at the size of the image (at the stride of the decode head;
           not offered: the host's losses of labeled images are at the size of the image too).
        8. The localizer judges unlabeled images in eval mode; the text does not say (in train mode; not offered).
        9. Nothing is mixed, as in the paper; on MSRC-21 the student's views are, by UniMatch's boxes, and the teacher
           predicts in train mode (``cutmix=dict(prob=1.0)``, ``teacher=dict(eval_mode=False)``).
        10. All views share a student call, and BatchNorm statistics (neither: ``batch_statistics='separate'``).
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        slack: Sequence[float] = (20.0, 50.0),
        localizer: Optional[dict] = None,
        gate: str = 'image',
        reduction: str = 'mean',
        predict_correctness: bool = False,
        threshold: float = 0.5,
        pseudo_weight: float = 1.0,
        contrast_weight: float = 1.0,
        pseudo_mean: str = 'all',
        student_views: Sequence[str] = ('strong',),
        contrast: Optional[dict] = None,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        projection: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_options(threshold, student_views, teacher)
        source = copy.deepcopy(segmentor)  # before the branch is built: registries take pieces out
        projection = dict(type='ProjectionHead', **(projection or {}))
        self.student = Branch(segmentor, dict(side_heads or {}, projection=projection))
        self.auxiliary = AuxiliaryDecoders(source, slack, gate)
        judge = dict(dict(type='ErrorLocalizer'), **(localizer or {}))
        self.localizer = MODELS.build(judge, default_args=dict(num_classes=self.student.num_classes))
        self.teacher = EMATeacher(self.student, **(teacher or {}))
        self.contrast = SampledContrast(self.student.num_classes, **(contrast or {}))
        self.cutmix = MODELS.build(dict(dict(UNIMATCH_BOX, type='CutMix', prob=0.0), **(cutmix or {})))
        self.reduction, self.predict_correctness = one_of(REDUCTIONS, reduction=reduction), predict_correctness
        self.threshold, self.pseudo_mean = threshold, one_of(PSEUDO_MEANS, pseudo_mean=pseudo_mean)
        self.student_views, self.pseudo_weight = tuple(student_views), not_negative(pseudo_weight=pseudo_weight)
        self.contrast_weight = not_negative(contrast_weight=contrast_weight)

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the supervised loss alone (eq. 2)."""
        return add_prefix(self.student.supervised_loss(self.student(inputs['sup']), data_samples['sup']), 'sup')

    def warmup_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute all losses of the labeled images (eq. 7)."""
        return self.labeled_losses(self.student(inputs['sup']), inputs, data_samples)

    def semi_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of labeled and unlabeled images (eq. 7 and eq. 11)."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        weak = self.teacher(inputs['weak'])
        # eval mode: unlabeled images must not move the statistics that it judges labeled ones by
        with labeling_mode(self.localizer):
            judged = self.localizer(inputs['weak'], weak.logits)
        # the localizer has no opinion on padding that could be trusted
        target = self.localizer.target(judged, weak.logits, self.threshold).reweight(valid)
        self.show('teacher', says=weak, localizer=lambda: self.localizer.correctness(judged, weak.logits))
        keys = weak.side['projection']
        key_classes = kept_classes(target, keys.shape[2:])
        mix = self.cutmix.sample(data_samples['weak'], inputs['weak'])
        target, valid = mix(target), mix(valid)
        images = [mix(inputs[view]) for view in self.student_views]
        sup, *taught = self.predict_views(self.student, inputs['sup'], *images)

        losses = self.labeled_losses(sup, inputs, data_samples)
        # a fixed divisor lets the loss grow with the share of pixels that are trusted
        over = dict(all=valid, kept=target.weight)[self.pseudo_mean]
        classes = kept_classes(target, keys.shape[2:])
        pseudo = [masked_mean(pixel_cross_entropy(own.logits, target), over=over) for own in taught]
        contrast = [self.contrast(own.side['projection'], keys, classes, key_classes) for own in taught]
        losses['unsup.loss_pseudo'] = self.pseudo_weight * torch.stack(pseudo).sum()
        losses['unsup.loss_contrast'] = self.contrast_weight * torch.stack(contrast).sum()
        losses['unsup.kept'] = masked_mean(target.weight, over=valid)
        self.show('student', image=images[0], pred=taught[0], target=target, valid=valid, mix=mix)
        return losses

    stages = dict(pretrain=pretrain_loss, warmup=warmup_loss, semi=semi_loss)
    stage = 'semi'

    def labeled_losses(self, sup: Prediction, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute eq. 7: losses of the student, the auxiliary decoders and the localizer, which judges them all."""
        images, samples = inputs['sup'], data_samples['sup']
        decoded = self.auxiliary(sup.feats, images.shape[2:])
        label = torch.cat([sample.gt_sem_seg.data for sample in samples])
        losses = add_prefix(self.student.supervised_loss(sup, samples), 'sup')
        losses.update(self.auxiliary.losses(sup.logits, decoded, label))
        losses.update(judge_labeled(self.localizer, images, [sup.logits, *decoded], samples, self.reduction))
        return losses

    def inference_of(self, name: str) -> BranchInference:
        """Return the inference of a network; on request, the localizer judges the first one's prediction."""
        if self.predict_correctness and name == self.predictors[0]:
            return LocalizedInference(self.branch(name), self.localizer)
        return super().inference_of(name)


def require_options(threshold: float, student_views: Sequence[str], teacher: Optional[dict]) -> None:
    """Refuse options that are not possible."""
    if teacher and 'segmentor' in teacher:
        raise ValueError(
            "ELN's teacher is the student's own average: eq. 10 compares its projections with the student's, and the "
            "localizer learns from the student's errors on labeled images, on which a trained network makes few. Train "
            'ELNWarmup on that network, and let its judge teach by another method, e.g. FixMatch: '
            "teacher=dict(segmentor=..., localizer=..., checkpoint=..., trust=dict(by='localizer', threshold=0.5))."
        )
    probability(threshold=threshold)
    if isinstance(student_views, str) or not student_views or not set(student_views) <= set(UNLABELED_VIEWS):
        raise ValueError(
            f"ELN: student_views names some of {UNLABELED_VIEWS}, e.g. ('strong',), got {student_views!r}."
        )
