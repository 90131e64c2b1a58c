"""CutMix-Seg (French et al., BMVC 2020, arXiv 1906.01916)."""

from typing import Any, Optional

import torch.nn.functional as F
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...structures import PixelTarget
from ...utils.choices import not_negative, probability
from ..branch import Branch
from ..cutmix import CutMix
from ..sample_pixels import valid_pixels
from ..teachers import build_teacher
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class CutMixSeg(SemiSegmentor):
    r"""Mean teacher on mixed images: the student predicts the mixed image as the teacher predicts its parts.

    ::

        sup   --> student <-- ground truth
        weak u0, u1 --> teacher --> probabilities, mixed -----.
        strong u0, u1, mixed alike --> student <--------------'
                   `---- EMA (MeanTeacherHook) ----> teacher

    .. math:: L = L_{sup} + \lambda \, r \, \mathrm{mean}_i \sum_c (p^S_{ic} - p^T_{ic})^2, \qquad
              r = \mathrm{mean}_i \, 1[\max_c p^T_{ic} \ge \tau]

    The means run over all pixels of the mixed images, and the factor :math:`r` over those of all processes. The
    unlabeled batch holds two images per labeled one (``unlabeled_per_labeled=2``). One teacher call and one merged
    student call per step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        unsup_weight: :math:`\lambda`.
        threshold: :math:`\tau` in ``[0, 1]``; 0 switches the factor off.
        teacher: Options of :class:`EMATeacher`, or with a ``segmentor`` of :class:`FrozenTeacher`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. Labeled and mixed images share a student call, and u0 and u1 a teacher call (two calls each).
        2. The teacher predicts in eval mode. The public code has it in train mode with frozen BatchNorm on VOC, which
           differs by the dropout alone.
        3. The means leave out padding, which the public code counts as 0.
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.0,
        threshold: float = 0.97,
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        # averaged buffers as in the public code
        self.teacher = build_teacher(self.student, self.data_preprocessor, teacher, buffers='average')
        self.cutmix = CutMix(num_boxes=1, area=(0.5, 0.5))  # one box, half of the image
        self.unsup_weight, self.threshold = not_negative(unsup_weight=unsup_weight), probability(threshold=threshold)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        strong_a, strong_b = self.two_batches(inputs['strong'])
        mix = self.cutmix.sample(data_samples['weak'][: len(strong_a)], strong_a)
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        # the teacher sees whole images: a box has no context of its own
        weak = self.teacher(inputs['weak'])
        trusted = mix(*self.teacher.trusted(weak, valid).chunk(2))
        probs, valid = mix(*weak.logits.chunk(2)).softmax(dim=1), mix(*valid.chunk(2))

        image = mix(strong_a, strong_b)
        sup, mixed = self.predict_views(self.student, inputs['sup'], image)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        confident = (probs.amax(dim=1) >= self.threshold).to(probs.dtype)
        # the sum over classes, as in the paper; the mean would be C times smaller
        distance = F.mse_loss(mixed.logits.softmax(dim=1), probs, reduction='none').sum(dim=1)
        share = masked_mean(confident, over=valid)
        all_reduce(share, op='mean')  # masked_mean gives this process's part of the share of them all
        weight = share * trusted
        losses['unsup.loss_consistency'] = self.unsup_weight * masked_mean(distance * weight, over=valid)
        losses['unsup.confident'] = share
        self.show('teacher', says=probs, image=image)
        target = PixelTarget(probs, weight)
        self.show('student', image=image, pred=mixed, target=target, valid=valid, mix=mix.halves)
        return losses
