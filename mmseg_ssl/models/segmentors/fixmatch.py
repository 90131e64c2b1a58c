"""FixMatch (Sohn et al., NeurIPS 2020, arXiv 2001.07685) for segmentation, in the form that UniMatch compares with."""

from typing import Any, Optional, Union

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..confident_labels import ConfidentLabels
from ..cutmix import UNIMATCH_BOX
from ..label_modes import TEACHER_MODES
from ..loss_dicts import weighted
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from ..teachers import build_labeler
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class FixMatch(SemiSegmentor):
    r"""Confident labels of a weak view train the same network on a strong view with CutMix.

    ::

        sup    --> student <-- ground truth
        weak   --> student, without a gradient --> argmax where confidence >= threshold, mixed alike
        strong, mixed with the next image --> student <------------'

    .. math:: L = \tfrac12 L_{sup} + \tfrac12 \, \mathrm{mean}_i \, 1[\max_c p_{ic} \ge \tau] \,
              CE(f(u^s)_i, \arg\max_c p_{ic})

    The mean runs over all pixels of the image; a pixel without confidence counts as 0. One call without a gradient for
    the labels and one merged call per step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: :math:`\tau`, 0.95 on VOC and 0 on Cityscapes; or a config, see :class:`ConfidentLabels`.
        sup_weight: Weight of the labeled images.
        unsup_weight: Weight of the unlabeled images.
        target: Another labeling in place of the argmax, see :class:`ConfidentLabels`.
        cutmix: Options of :class:`CutMix` beside UniMatch's own.
        teacher: Options of :class:`FrozenTeacher`, which labels in the student's place.
        teacher_mode: Mode of the student while it labels: ``'eval'``, or ``'train'``, BatchNorm by the unlabeled batch.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper (FixMatch is one of images; what follows is against UniMatch's public code):
        1. An image is mixed with the next one of its batch, not with one of a second unlabeled batch, so that one call
           labels both.
        2. All labels are made in one mode, ``teacher_mode``. The public code makes the partner's in eval mode and takes
           the image's own from the training call.
        3. All images share the training call, so BatchNorm sees weak, strong and labeled images together.
        4. A box is placed where it fits, and clipped if it is longer than the image. (The public code draws shape and
           place again until the box lies inside, so that its boxes are nearer to squares.)
    """

    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        threshold: Union[float, dict] = 0.95,
        sup_weight: float = 0.5,
        unsup_weight: float = 0.5,
        target: Optional[dict] = None,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        teacher_mode: str = 'eval',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.labeler = build_labeler(self.student, self.data_preprocessor, teacher, teacher_mode)
        self.teacher_mode = one_of(TEACHER_MODES, teacher_mode=teacher_mode)
        self.labels = ConfidentLabels(threshold, target)
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.sup_weight = not_negative(sup_weight=sup_weight)
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        (weak,) = self.label_views(self.labeler or self.student, inputs['weak'], mode=self.teacher_mode)
        # labeled whole and mixed afterwards, so that no label is made across the border of a box
        target = self.labels(weak.logits.softmax(dim=1), self.labeler.trusted(weak, valid) if self.labeler else valid)
        mix = self.cutmix.sample(data_samples['weak'], inputs['weak'])
        image, taught, inside = mix(inputs['strong']), mix(target), mix(valid)

        sup, strong = self.predict_views(self.student, inputs['sup'], image)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        # half, as in the public code: under SGD this also halves the rate at which labels are learned
        losses = weighted(losses, self.sup_weight)
        pseudo = masked_mean(pixel_cross_entropy(strong.logits, taught), over=inside)
        losses['unsup.loss_pseudo'] = self.unsup_weight * pseudo
        losses.update(self.labels.logs(target, valid))
        self.show('teacher' if self.labeler else 'student', says=weak)
        self.show('student', image=image, pred=strong, target=taught, valid=inside, mix=mix)
        return losses
