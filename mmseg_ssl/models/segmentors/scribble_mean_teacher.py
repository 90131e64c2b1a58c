"""Mean teacher on unlabeled images, with scribbles in place of full masks on the labeled ones."""

from typing import Any, List, Optional

from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import masked_mean
from ...structures import PixelTarget, Prediction
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..losses.consistency import CONSISTENCY_LOSSES, consistency_distance
from ..sample_pixels import valid_pixels
from ..scribble_labels import SelfLabeling
from ..scribble_losses import require_mean_over_labeled
from ..teachers import build_teacher
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class ScribbleMeanTeacher(SemiSegmentor):
    r"""Learn from a few scribbled images and many without any label.

    ::

        sup    --> student <-- scribbles; soft labels elsewhere <-- eq. 8: scribbles, colors, prediction
        strong --> student <-- probabilities <-- teacher <-- weak
                      `-------- EMA (MeanTeacherHook) --------^

    The losses of labeled images are those of :class:`SoftSelfLabeling`, all else is :class:`MeanTeacher`, in one
    merged student call. Stages: ``pretrain``, without soft labels, and ``full``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        self_labeling: As for :class:`SoftSelfLabeling`.
        unsup_weight: As for :class:`MeanTeacher`.
        consistency: As for :class:`MeanTeacher`.
        teacher: Options of :class:`EMATeacher`, or with a ``segmentor`` of :class:`FrozenTeacher`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the papers: those of the two methods; their combination is ours.
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')
    learns_between_scribbles = True

    def __init__(
        self,
        segmentor: dict,
        self_labeling: Optional[dict] = None,
        unsup_weight: float = 100.0,
        consistency: str = 'mse',
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)
        self.teacher = build_teacher(self.student, self.data_preprocessor, teacher)
        self.self_labeling = SelfLabeling(**(self_labeling or {}))
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        self.consistency = one_of(CONSISTENCY_LOSSES, consistency=consistency)

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles and of the teacher."""
        weak = self.teacher(inputs['weak'])

        sup, strong = self.predict_views(self.student, inputs['sup'], inputs['strong'])

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        losses.update(self.consistency_losses(strong, weak, inputs['strong'], data_samples['weak']))
        return losses

    def full_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles, of soft labels of scribbled images (eq. 8) and of the teacher."""
        weak = self.teacher(inputs['weak'])

        sup, strong = self.predict_views(self.student, inputs['sup'], inputs['strong'])
        scribbles = self.data_preprocessor.scribbles(inputs['sup'], data_samples['sup'])
        label = self.self_labeling(sup.logits, scribbles)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        losses.update(self.self_labeling.losses(sup.logits, label, scribbles))
        losses.update(self.consistency_losses(strong, weak, inputs['strong'], data_samples['weak']))
        target = PixelTarget(label, scribbles.unlabeled)
        self.show('student', image=inputs['sup'], pred=sup, target=target, valid=target.weight, scribbles=scribbles)
        return losses

    def consistency_losses(
        self, strong: Prediction, weak: Prediction, image: Tensor, samples: List[SegDataSample]
    ) -> LossDict:
        """Compare the strong view ``image`` with the teacher's probabilities, over the pixels that are no padding."""
        probs, valid = weak.logits.softmax(dim=1), valid_pixels(samples, image)
        trusted = self.teacher.trusted(weak, valid)
        distance = consistency_distance(strong.logits, probs, self.consistency) * trusted
        self.show('teacher', says=probs)
        self.show('student', image=image, pred=strong, target=PixelTarget(probs, trusted), valid=valid)
        return {
            'unsup.loss_consistency': self.unsup_weight * masked_mean(distance, over=valid),
            # not 'unsup.confidence', which the soft labels log
            'unsup.teacher_confidence': masked_mean(probs.amax(dim=1), over=valid),
        }

    stages = dict(pretrain=pretrain_loss, full=full_loss)
    stage = 'full'
