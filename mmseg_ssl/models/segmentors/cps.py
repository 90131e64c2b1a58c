"""CPS: cross pseudo supervision (Chen et al., CVPR 2021, arXiv 2106.01226)."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...targets import argmax_target
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..label_modes import TEACHER_MODES
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from .base import LossDict, SemiSegmentor, Views, ViewSamples

PAIRS = (('student', 'peer'), ('peer', 'student'))
"""Each learner and its teacher."""


@MODELS.register_module()
class CPS(SemiSegmentor):
    r"""Two networks with different initial weights learn from each other's argmax.

    ::

        sup  --> student, peer <-- ground truth
        weak --> student --> argmax --> peer          without CutMix, also on labeled images
        weak --> peer ----> argmax --> student

    With CutMix, u0 and u1 are labeled without a gradient, and the labels are mixed as the images are.

    .. math:: L = L_{sup} + \lambda \big( CE(f_1(u), \hat y_2) + CE(f_2(u), \hat y_1) \big)

    The means run over all pixels of the image. One call per network and step, two with CutMix.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each network initializes a head of its own.
        unsup_weight: :math:`\lambda`; 1.5 on VOC and 6 on Cityscapes, with CutMix 1 and 5 (public code).
        cutmix: Options of :class:`CutMix`, ``dict()`` for CPS's own; None mixes nothing. With CutMix the unlabeled
            batch holds two images per labeled one (``unlabeled_per_labeled=2``).
        teacher_mode: Mode of a network while it labels u0 and u1: ``'train'`` (as in the public code) or
            ``'eval'``. Without CutMix, labels come from the training call.
        side_heads: Side heads of each network by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. Labeled and unlabeled images share a network call, and so do u0 and u1. The public code does so only without
           CutMix. ``batch_statistics`` decides whether BatchNorm sees them together.
        2. Padding is not part of the image: it neither teaches nor counts (it does in the public code).
        3. Without CutMix the means over labeled and over unlabeled images are added, as the paper's
           :math:`L_{cps}^l + L_{cps}^u` (the public code takes one mean over both: half of it for equal batches).
        4. One optimizer for both networks; it acts on each weight alone, so only the config differs.
    """

    networks = ('student', 'peer')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.5,
        cutmix: Optional[dict] = None,
        teacher_mode: str = 'train',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.peer = Branch(segmentor, side_heads)
        self.cutmix: Any = None if cutmix is None else MODELS.build(dict(type='CutMix', **cutmix))
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        self.teacher_mode = one_of(TEACHER_MODES, teacher_mode=teacher_mode)
        if cutmix is None and teacher_mode == 'eval':
            raise ValueError("CPS: without cutmix, labels come from the training call; teacher_mode='eval' needs it.")

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        return (self.plain_loss if self.cutmix is None else self.cutmix_loss)(inputs, data_samples)

    def plain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Teach each network the other's labels of the training images, without CutMix."""
        sup, weak = inputs['sup'], inputs['weak']
        valid_sup, valid_weak = (valid_pixels(data_samples[view], inputs[view]) for view in self.views)
        said = {name: self.predict_views(self.branch(name), sup, weak) for name in self.networks}
        # argmax_target takes no gradient: a network teaches by its labels and does not learn from having taught
        labels = {name: [argmax_target(pred.logits) for pred in preds] for name, preds in said.items()}

        losses = {}
        # labels of both are complete before either learns
        for learner, teacher in PAIRS:
            (on_sup, on_weak), (label_sup, label_weak) = said[learner], labels[teacher]
            known = self.branch(learner).supervised_loss(on_sup, data_samples['sup'])
            losses.update(add_prefix(known, f'{learner}.sup'))
            for key, pred, target, valid in (
                ('loss_pseudo_labeled', on_sup, label_sup, valid_sup),
                ('loss_pseudo', on_weak, label_weak, valid_weak),
            ):
                pseudo = masked_mean(pixel_cross_entropy(pred.logits, target), over=valid)
                losses[f'{learner}.unsup.{key}'] = self.unsup_weight * pseudo
            self.show(learner, says=on_weak)
            self.show(learner, image=weak, pred=on_weak, target=label_weak, valid=valid_weak)
        agreed = labels['student'][1].label == labels['peer'][1].label
        losses['unsup.agreement'] = masked_mean(agreed.float(), over=valid_weak)
        return losses

    def cutmix_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Teach each network the other's labels of u0 and u1, mixed as the images are."""
        weak_a, weak_b = self.two_batches(inputs['weak'])
        mix = self.cutmix.sample(data_samples['weak'][: len(weak_a)], weak_a)
        images, valid = mix(weak_a, weak_b), mix(*valid_pixels(data_samples['weak'], inputs['weak']).chunk(2))
        labels = {}
        for name in self.networks:
            # both batches in one call, labeled before they are mixed
            preds = self.label_views(self.branch(name), weak_a, weak_b, mode=self.teacher_mode)
            labels[name] = mix(*(argmax_target(pred.logits) for pred in preds))
            self.show(name, says=preds[0])

        losses = {}
        for learner, teacher in PAIRS:
            sup, mixed = self.predict_views(self.branch(learner), inputs['sup'], images)
            known = self.branch(learner).supervised_loss(sup, data_samples['sup'])
            losses.update(add_prefix(known, f'{learner}.sup'))
            pseudo = masked_mean(pixel_cross_entropy(mixed.logits, labels[teacher]), over=valid)
            losses[f'{learner}.unsup.loss_pseudo'] = self.unsup_weight * pseudo
            self.show(learner, image=images, pred=mixed, target=labels[teacher], valid=valid, mix=mix.halves)
        agreed = labels['student'].label == labels['peer'].label
        losses['unsup.agreement'] = masked_mean(agreed.float(), over=valid)
        return losses
