"""A mean teacher that teaches where it is confident; of no paper, the worked example of CONTRIBUTING.md."""

from typing import Any

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from mmseg_ssl.models import Branch, EMATeacher, SemiSegmentor
from mmseg_ssl.models.losses import pixel_cross_entropy
from mmseg_ssl.models.sample_pixels import valid_pixels
from mmseg_ssl.ops import masked_mean
from mmseg_ssl.targets import confident
from mmseg_ssl.utils.choices import not_negative


@MODELS.register_module()
class ConfidentTeacher(SemiSegmentor):
    r"""The student learns, on strong views, the classes of which its EMA teacher is confident on weak ones.

    ::

        sup    --> student <-- ground truth
        strong --> student <-- argmax where confidence >= threshold <-- teacher <-- weak
                      `-------- EMA (MeanTeacherHook) --------^

    .. math:: L = L_{sup} + \lambda \, \mathrm{mean}_i \, 1[\max_c p_{ic} \ge \tau] \, CE(f(u^s)_i, \arg\max_c p_{ic})

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: :math:`\tau` in ``[0, 1]``.
        unsup_weight: :math:`\lambda`.
        **kwargs: As for :class:`SemiSegmentor`.
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(self, segmentor: dict, threshold: float = 0.95, unsup_weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor)
        self.teacher = EMATeacher(self.student)
        self.threshold, self.unsup_weight = threshold, not_negative(unsup_weight=unsup_weight)

    def loss(self, inputs: dict, data_samples: dict) -> dict:
        """Losses of one step."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])  # padding is no image
        probs = self.teacher(inputs['weak']).logits.softmax(dim=1)
        target = confident(probs, self.threshold)

        sup, strong = self.predict_views(self.student, inputs['sup'], inputs['strong'])
        self.show('teacher', says=probs)  # to who looks on
        self.show('student', image=inputs['strong'], pred=strong, target=target, valid=valid)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        pseudo = masked_mean(pixel_cross_entropy(strong.logits, target), over=valid)
        losses['unsup.loss_pseudo'] = self.unsup_weight * pseudo
        losses['unsup.kept'] = masked_mean(target.weight, over=valid)
        return losses
