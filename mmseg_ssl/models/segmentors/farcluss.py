"""FARCLUSS: fuzzy labels, entropy weights, class rebalancing, prototypes (Tarubinga et al., arXiv 2506.11142)."""

from typing import Any, Optional

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import likeliest, masked_mean
from ...structures import PixelTarget
from ...utils.choices import not_negative
from ..branch import Branch
from ..cutmix import UNIMATCH_BOX
from ..ema_teacher import EMATeacher
from ..losses import pixel_cross_entropy
from ..reliability import TeacherStep
from ..sample_pixels import valid_pixels
from ..teachers import build_teacher
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class FARCLUSS(SemiSegmentor):
    r"""Every pixel teaches: the more, the surer its teacher is and the rarer its classes are.

    ::

        sup    --> student <-- ground truth
        weak   --> teacher --> (1) k likeliest classes --> label     (3) running class frequencies --> rarity
                          `--> (2) entropy ----------> reliability                                       |
        strong --> student <-- cross entropy, weighted by reliability x rarity; CutMix on all of them <--'
        sup, strong --> student  --> projection <-- (4) contrast with one prototype per class
        sup, weak   --> teacher --> projection --> prototypes

    .. math:: L = L_{sup} + \lambda_u \frac{1}{N} \sum_i r_i\, \omega_i \Big[ - \sum_c \tilde y_{ic} \ln p_{ic} \Big]
                  + \lambda_c L_{con}

    with :math:`\tilde y` of :class:`FuzzyLabels`, :math:`r` of :class:`EntropyReliability`, :math:`\omega` of
    :class:`ClassRebalancing` and :math:`L_{con}` of :class:`PrototypeContrast`. One teacher call and one student call
    per step. The contrast begins when ``UnsupRampHook`` has ended.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        label: Options of :class:`FuzzyLabels`: ``mode``, ``k``, ``mass``; or, with a ``type``, of
            another registered module that makes labels from probabilities.
        reliability: Options of :class:`EntropyReliability`: ``form``, ``exponent``; or, with a ``type``, of another
            registered module that makes weights from a :class:`TeacherStep`, as ``projects/energy_farcluss`` does.
        rebalancing: Options of :class:`ClassRebalancing`; ``dict(exponent=0)`` switches it off,
            ``dict(exponent=1, low=0, high=1e4)`` is as in CW-BASS-v2, ``dict(weights='class')`` weighs the terms of the
            cross entropy, not pixels.
        contrast: ``weight`` is :math:`\lambda_c`, 0.1 by default; the others are options of
            :class:`PrototypeContrast`: ``temperature``, ``momentum``, ``anchors_per_class``, ...
        projection: Options of :class:`ProjectionHead`.
        unsup_weight: :math:`\lambda_u`.
        cutmix: Options of :class:`CutMix`; ``dict(prob=0)`` switches it off.
        teacher: Options of :class:`EMATeacher`, or with a ``segmentor`` of :class:`FrozenTeacher`.
            The prototypes are then of the student's own embeddings, in a call without a gradient.
        side_heads: Further side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper. Its text beyond the introduction and its code were not at hand: the four parts and the
    mean teacher are the authors'; each of the following is a reconstruction, with the options that change it.
        1. Labels: ``k=3`` classes in the teacher's proportions, not sharpened (``label``).
        2. Reliability: one minus the normalized entropy of the teacher's whole distribution (``reliability``).
        3. Rebalancing: soft counts, frequencies averaged over about 100 batches where the text says "batch-level"
           (``rebalancing=dict(momentum=1)``) and at least 1e-4, inverse square root, bounds; the weight of a pixel is
           the mean of its classes' (``weights='class'``), which matters for soft labels only (``rebalancing``).
        4. The mean runs over the image pixels, not over the sum of the weights: an uncertain batch teaches less.
        5. Contrast: InfoNCE with the prototypes of the classes seen so far, labeled and unlabeled anchors; no
           repulsion of prototypes beside it, weight 0.1, after the ramp-up (``contrast``, ``projection``).
        6. CutMix, with UniMatch's boxes, on images, labels and weights (``cutmix``); :math:`\lambda_u = 1`.
        7. Teacher: EMA of decay 0.999, as in the authors' other repositories, with a warm-up in which it is the mean of
           the students so far, and the student's BatchNorm statistics (``MeanTeacherHook``; 0.99 on CamVid and
           MSRC-21). It labels in eval mode, on MSRC-21 in train mode (``teacher=dict(eval_mode=False)``).
        8. Strong views: UniMatch's color jitter, grayscale and blur (``StrongAugment``).
        9. The unlabeled terms ramp up linearly over the first 5 epochs, as in the authors' CW-BASS
           (``UnsupRampHook``; shares of the run on CamVid and MSRC-21).
        10. Labeled and unlabeled images share a call of either network, in which BatchNorm sees them together
            (``batch_statistics``).
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        label: Optional[dict] = None,
        reliability: Optional[dict] = None,
        rebalancing: Optional[dict] = None,
        contrast: Optional[dict] = None,
        projection: Optional[dict] = None,
        unsup_weight: float = 1.0,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        projection = dict(dict(type='ProjectionHead', out_channels=128, norm_cfg=dict(type='BN')), **(projection or {}))
        self.student = Branch(segmentor, dict(side_heads or {}, projection=projection))
        self.teacher = build_teacher(self.student, self.data_preprocessor, teacher)
        # the weight is the method's, all other options are those of the module
        contrast = dict(dict(weight=0.1), **(contrast or {}))
        self.contrast_weight = not_negative(**{'contrast.weight': contrast.pop('weight')})
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        known = dict(num_classes=self.student.num_classes)
        self.rebalancing = MODELS.build(dict(type='ClassRebalancing', **known, **(rebalancing or {})))
        known['channels'] = projection['out_channels']
        self.contrast = MODELS.build(dict(type='PrototypeContrast', **known, **contrast))
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.labels = MODELS.build(dict(dict(type='FuzzyLabels'), **(label or {})))
        self.reliability = MODELS.build(dict(dict(type='EntropyReliability'), **(reliability or {})))

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        step = self.teach(inputs, data_samples)
        label, trusted = self.labels(step.probs), self.teacher.trusted(step.weak, step.valid)
        # what the contrast learns: rebalancing may lean the label toward a rarer class
        likely = PixelTarget(likeliest(label)[1], self.reliability(step) * trusted)
        self.rebalancing.update(label, trusted)  # before they are used: a batch counts in its own frequencies
        target = self.rebalancing(PixelTarget(label, likely.weight))
        # ground truth is reliable everywhere; ignored pixels are told by their label
        known = PixelTarget(step.truth, torch.ones_like(step.truth, dtype=torch.float))
        # before the contrast, so that a class takes part from its first batch on; unmixed, as the teacher saw them
        self.contrast.update(self.embed(step, inputs), known, likely)
        self.show('teacher', says=step.weak)

        mix = self.cutmix.sample(data_samples['weak'], inputs['strong'])
        image, target, likely, valid = mix(inputs['strong']), mix(target), mix(likely), mix(step.valid)
        del step, label  # maps of C channels, whose memory the student needs now
        sup, strong = self.predict_views(self.student, inputs['sup'], image)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        fuzzy = masked_mean(pixel_cross_entropy(strong.logits, target), over=valid)
        losses['unsup.loss_fuzzy'] = self.unsup_weight * fuzzy
        contrast = self.contrast(torch.cat([pred.side['projection'] for pred in (sup, strong)]), known, likely)
        # a factor of 0, not a missing term, until the ramp ends: DDP waits for a gradient of the projection
        losses['unsup.loss_contrast'] = self.contrast_weight * self.ramp_ended * contrast
        losses['unsup.reliability'] = masked_mean(likely.weight, over=valid)
        self.show('student', image=image, pred=strong, target=target, valid=valid, mix=mix, reliability=likely.weight)
        return losses

    def teach(self, inputs: Views, data_samples: ViewSamples) -> TeacherStep:
        """Call the teacher once, on labeled and weak images."""
        sup, weak = self.predict_views(self.teacher, inputs['sup'], inputs['weak'])
        truth = torch.cat([sample.gt_sem_seg.data for sample in data_samples['sup']])
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        return TeacherStep(sup, truth, weak, weak.logits.softmax(dim=1), valid)

    def embed(self, step: TeacherStep, inputs: Views) -> Tensor:
        """Return the projections of the labeled and the weak images that make the prototypes."""
        preds = [step.sup, step.weak]
        if not isinstance(self.teacher, EMATeacher):  # another network's embeddings are of another space
            preds = self.label_views(self.student, inputs['sup'], inputs['weak'], mode='eval')
        return torch.cat([pred.side['projection'] for pred in preds])
