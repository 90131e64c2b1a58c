"""FARCLUSS: fuzzy labels, entropy weights, class rebalancing, prototypes (Tarubinga et al., arXiv 2506.11142)."""

from typing import Any, NamedTuple, Optional

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import entropy_reliability, masked_mean
from ...structures import PixelTarget, Prediction
from ...targets import fuzzy_cumulative, fuzzy_topk, sharpen
from ..branch import Branch
from ..cutmix import UNIMATCH_BOX
from ..data_preprocessor import valid_pixels
from ..ema_teacher import EMATeacher
from ..losses import pixel_cross_entropy
from .base import LossDict, SemiSegmentor, Views, ViewSamples

LABEL_MODES = ('hard', 'topk', 'cumulative', 'full')
DIVISORS = ('valid', 'weight')


class TeacherStep(NamedTuple):
    """What the teacher says in a step.

    Attributes:
        sup: Prediction of the labelled images.
        truth: Their ground truth, ``(B, H, W)`` int64, 255 ignored.
        weak: Prediction of the unlabelled images.
        probs: Its probabilities.
        valid: ``(B, H, W)`` bool, which unlabelled pixels are image.
    """

    sup: Prediction
    truth: Tensor
    weak: Prediction
    probs: Tensor
    valid: Tensor


@MODELS.register_module()
class FARCLUSS(SemiSegmentor):
    r"""Every pixel teaches, by as much as its teacher is sure and its classes are rare.

    ::

        sup    --> student <-- ground truth
        weak   --> teacher --> (1) k likeliest classes --> label     (3) running class frequencies --> rarity
                          `--> (2) entropy ----------> reliability                                       |
        strong --> student <-- cross entropy, weighted by reliability x rarity; CutMix on all of them <--'
        sup, strong --> student  --> projection <-- (4) contrast with one prototype a class
        sup, weak   --> teacher --> projection --> prototypes

    .. math:: L = L_{sup} + \lambda_u \frac{1}{N} \sum_i r_i\, \omega_i \Big[ - \sum_c \tilde y_{ic} \ln p_{ic} \Big]
                  + \lambda_c L_{con}

    with :math:`\tilde y` of :func:`fuzzy_topk`, :math:`r` of :func:`entropy_reliability`, :math:`\omega` of
    :class:`ClassRebalancing` and :math:`L_{con}` of :class:`PrototypeContrast`. One teacher call and one student call a
    step. The contrast begins when ``UnsupRampHook`` has ended. Another weight joins in by overriding
    :meth:`reliability`: ``projects/energy_farcluss``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        label_mode: ``'topk'``, ``'cumulative'`` (:func:`fuzzy_cumulative`), ``'hard'`` (argmax) or ``'full'``.
        k: Classes that ``'topk'`` keeps.
        mass: Share of the probability that ``'cumulative'`` keeps.
        sharpening: Temperature of :func:`sharpen` before the classes are chosen; 1 leaves the label alone.
        reliability: ``'linear'``, ``'exponential'`` or ``'none'``, see :func:`entropy_reliability`.
        reliability_exponent: :math:`a` there.
        rebalancing: Options of :class:`ClassRebalancing`; ``dict(exponent=0)`` is without, ``dict(form='inverse')`` as
            in CW-BASS-v2, ``dict(weights='class')`` weighs the terms of the cross entropy, not the pixel.
        divide_by: ``'valid'`` (:math:`N` is the number of image pixels: an uncertain batch teaches less) or
            ``'weight'`` (the sum of the weights: it teaches as much).
        unsup_weight: :math:`\lambda_u`.
        contrast_weight: :math:`\lambda_c`.
        contrast: Options of :class:`PrototypeContrast`: ``temperature``, ``momentum``, ``anchors_per_class``, ...
        projection: Options of :class:`ProjectionHead`.
        cutmix: Options of :class:`CutMix`; ``dict(prob=0)`` is without.
        teacher: Options of :class:`EMATeacher`.
        side_heads: Further side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper. Its text beyond the introduction and its code were not at hand: the four parts and the
    mean teacher are the authors', and each of the following is a reconstruction, with the options that change it.
        1. Labels: ``k=3`` classes in the teacher's proportions, not sharpened (``label_mode``, ``k``, ``mass``,
           ``sharpening``).
        2. Reliability: one minus the normalised entropy of the teacher's whole distribution (``reliability``,
           ``reliability_exponent``).
        3. Rebalancing: soft counts, frequencies averaged over about 100 batches where the text says "batch-level"
           (``rebalancing=dict(momentum=1)``), inverse square root, bounds; the weight of a pixel is the mean of its
           classes' (``weights='class'``), which matters for soft labels only (``rebalancing``).
        4. The mean runs over the image pixels, not over the sum of the weights (``divide_by``).
        5. Contrast: InfoNCE with the prototypes of the classes seen so far, labelled and unlabelled anchors; no
           repulsion of prototypes beside it (``contrast``, ``projection``), weight 0.1 (``contrast_weight``), after
           the ramp-up.
        6. CutMix, with UniMatch's boxes, on images, labels and weights (``cutmix``); :math:`\lambda_u = 1`.
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        label_mode: str = 'topk',
        k: int = 3,
        mass: float = 0.9,
        sharpening: float = 1.0,
        reliability: str = 'linear',
        reliability_exponent: float = 1.0,
        rebalancing: Optional[dict] = None,
        divide_by: str = 'valid',
        unsup_weight: float = 1.0,
        contrast_weight: float = 0.1,
        contrast: Optional[dict] = None,
        projection: Optional[dict] = None,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        if label_mode not in LABEL_MODES or divide_by not in DIVISORS:
            raise ValueError(
                f'FARCLUSS: label_mode is one of {LABEL_MODES} and divide_by one of {DIVISORS}, got {label_mode!r} and '
                f'{divide_by!r}.'
            )
        super().__init__(**kwargs)
        projection = dict(dict(type='ProjectionHead', out_channels=128, norm_cfg=dict(type='BN')), **(projection or {}))
        self.student = Branch(segmentor, dict(side_heads or {}, projection=projection))
        self.teacher = EMATeacher(self.student, **(teacher or {}))
        known = dict(num_classes=self.student.num_classes)
        self.rebalancing = MODELS.build(dict(type='ClassRebalancing', **known, **(rebalancing or {})))
        known['channels'] = projection['out_channels']
        self.contrast = MODELS.build(dict(type='PrototypeContrast', **known, **(contrast or {})))
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.label_mode, self.k, self.mass, self.sharpening = label_mode, k, mass, sharpening
        self.reliability_options = dict(form=reliability, exponent=reliability_exponent)
        self.divide_by, self.unsup_weight, self.contrast_weight = divide_by, unsup_weight, contrast_weight
        nothing = torch.full((1, self.student.num_classes, 1, 1), 1 / self.student.num_classes)
        self.soft_label(nothing)  # a wrong option is an error now, not in the first step
        entropy_reliability(nothing, **self.reliability_options)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        step = self.teach(inputs, data_samples)
        label, valid = self.soft_label(step.probs), step.valid
        reliability = self.reliability(step) * valid
        self.rebalancing.update(label, valid)
        target = self.rebalancing(PixelTarget(label, reliability))
        known = PixelTarget(step.truth, torch.ones_like(step.truth, dtype=torch.float))
        taught = torch.cat([pred.side['projection'] for pred in (step.sup, step.weak)])
        self.contrast.update(taught, known, PixelTarget(target.label, reliability))
        del step, label  # C-channel maps that nothing needs while the student trains

        mix = self.cutmix.sample(data_samples['weak'], inputs['strong'])
        sup, strong = self.predict_views(self.student, inputs['sup'], mix(inputs['strong']))
        target, reliability, valid = mix(target), mix(reliability), mix(valid)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        losses['unsup.loss_fuzzy'] = self.unsup_weight * self.fuzzy_loss(strong, target, valid)
        anchors = torch.cat([pred.side['projection'] for pred in (sup, strong)])
        contrast = self.contrast(anchors, known, PixelTarget(target.label, reliability))
        losses['unsup.loss_contrast'] = self.contrast_weight * self.ramp_ended * contrast
        losses['unsup.reliability'] = masked_mean(reliability, over=valid)
        return losses

    def teach(self, inputs: Views, data_samples: ViewSamples) -> TeacherStep:
        """The teacher's one call, on labelled and weak images."""
        sup, weak = self.predict_views(self.teacher, inputs['sup'], inputs['weak'])
        truth = torch.cat([sample.gt_sem_seg.data for sample in data_samples['sup']])
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        return TeacherStep(sup, truth, weak, weak.logits.softmax(dim=1), valid)

    def soft_label(self, probs: Tensor) -> Tensor:
        """Label of every pixel, ``(B, C, H, W)``, summing to one."""
        probs = sharpen(probs, self.sharpening)
        if self.label_mode == 'cumulative':
            return fuzzy_cumulative(probs, self.mass).label
        return fuzzy_topk(probs, dict(hard=1, topk=self.k, full=probs.shape[1])[self.label_mode]).label

    def reliability(self, step: TeacherStep) -> Tensor:
        """Weight of every unlabelled pixel from its teacher alone, ``(B, H, W)``; a further one may be multiplied."""
        return entropy_reliability(step.probs, **self.reliability_options)

    def fuzzy_loss(self, pred: Prediction, target: PixelTarget, valid: Tensor) -> Tensor:
        """Weighted soft cross entropy, by the number of image pixels or by the sum of the weights."""
        if self.divide_by == 'weight':
            cost = pixel_cross_entropy(pred.logits, PixelTarget(target.label, valid.float()))
            return masked_mean(cost, over=target.weight)
        return masked_mean(pixel_cross_entropy(pred.logits, target), over=valid)
