"""Mean teacher (Tarvainen & Valpola, NeurIPS 2017), for segmentation."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...structures import PixelTarget
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..losses.consistency import CONSISTENCY_LOSSES, consistency_distance
from ..sample_pixels import valid_pixels
from ..teachers import build_teacher
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class MeanTeacher(SemiSegmentor):
    r"""Consistency of the student, on strong views, with an EMA teacher, on weak ones.

    ::

        sup    --> student <-- ground truth
        strong --> student <-- probabilities <-- teacher <-- weak
                      `-------- EMA (MeanTeacherHook) --------^

    .. math:: L = L_{sup} + \lambda \, \mathrm{mean}_i \tfrac1C \sum_c (p^S_{ic} - p^T_{ic})^2

    One teacher call and one merged student call per step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        unsup_weight: :math:`\lambda`; 100 as in the public code of CPS: the mean over classes makes the term small.
        consistency: ``'mse'`` of the probabilities, or ``'ce'`` with the teacher's probabilities as soft labels.
        teacher: Options of :class:`EMATeacher`, or with a ``segmentor`` of :class:`FrozenTeacher`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. The paper perturbs by noise and translation on CIFAR; here the student sees the strong view (color jitter,
           grayscale, blur). The public code of CPS shows both networks the same crop, in train mode
           (``mean_teacher_r50_voc_1-8_release.py``), and holds them to each other on labeled images, too.
        2. No ramp-up of :math:`\lambda`, as in the public code of CPS.
        3. The mean leaves out padding.
        4. Labeled and strong images share a student call; ``batch_statistics`` decides whether BatchNorm sees them
           together (a call each in the public code of CPS).
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 100.0,
        consistency: str = 'mse',
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.teacher = build_teacher(self.student, self.data_preprocessor, teacher)
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        self.consistency = one_of(CONSISTENCY_LOSSES, consistency=consistency)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        # without a gradient, as a teacher always predicts
        weak = self.teacher(inputs['weak'])
        probs, trusted = weak.logits.softmax(dim=1), self.teacher.trusted(weak, valid)

        sup, strong = self.predict_views(self.student, inputs['sup'], inputs['strong'])

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        distance = consistency_distance(strong.logits, probs, self.consistency) * trusted
        losses['unsup.loss_consistency'] = self.unsup_weight * masked_mean(distance, over=valid)
        losses['unsup.confidence'] = masked_mean(probs.amax(dim=1), over=valid)
        self.show('teacher', says=probs)
        self.show('student', image=inputs['strong'], pred=strong, target=PixelTarget(probs, trusted), valid=valid)
        return losses
