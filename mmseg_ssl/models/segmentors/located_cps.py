"""CPS whose labels an error localizer checks: a combination of ours, of no paper."""

from typing import Any, Optional

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import masked_mean
from ...structures import PixelTarget
from ...utils.choices import not_negative, probability
from ..branch import Branch
from ..judge import judge_labeled
from ..label_modes import labeling_mode
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from .base import LossDict, SemiSegmentor, Views, ViewSamples

PAIRS = (('student', 'peer'), ('peer', 'student'))
"""Each learner and its teacher."""


@MODELS.register_module()
class LocatedCPS(SemiSegmentor):
    r"""Each network learns the other's argmax where ELN's localizer calls it right.

    ::

        sup  --> student, peer <-- ground truth
                     | predictions
                     v
                 localizer <-- was the prediction right?                                       (ELN, eq. 5)
        u0, u1 --> student --> argmax, kept where localizer(u, argmax) says right, mixed --> peer    (ELN, eq. 9)
        u0, u1 --> peer ----> argmax, kept and mixed likewise --> student

    One localizer judges both networks, which take the part of ELN's auxiliary decoders: trained apart, they err apart.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        localizer: Options of :class:`ErrorLocalizer`, or the config of another judge.
        threshold: Correctness that a pixel must exceed, in ``[0, 1]``.
        unsup_weight: As for :class:`CPS`.
        cutmix: Options of :class:`CutMix`.
        side_heads: Side heads of each network by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the papers: those of :class:`CPS` with CutMix; of ELN, no auxiliary decoders and no
    stages. The localizer learns from the first step on; ``UnsupRampHook`` makes the labels wait for it.
    """

    networks = ('student', 'peer')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        localizer: Optional[dict] = None,
        threshold: float = 0.5,
        unsup_weight: float = 1.5,
        cutmix: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.peer = Branch(segmentor, side_heads)
        judge = dict(dict(type='ErrorLocalizer'), **(localizer or {}))
        self.localizer = MODELS.build(judge, default_args=dict(num_classes=self.student.num_classes))
        self.cutmix = MODELS.build(dict(type='CutMix', **(cutmix or {})))
        self.unsup_weight, self.threshold = not_negative(unsup_weight=unsup_weight), probability(threshold=threshold)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        weak_a, weak_b = self.two_batches(inputs['weak'])
        mix = self.cutmix.sample(data_samples['weak'][: len(weak_a)], weak_a)
        images, valid = mix(weak_a, weak_b), mix(*valid_pixels(data_samples['weak'], inputs['weak']).chunk(2))
        labels = {}
        for name in self.networks:
            preds = self.label_views(self.branch(name), weak_a, weak_b, mode='train')
            # judged before they are mixed: the localizer has learned on whole images
            located = self.located(inputs['weak'], torch.cat([pred.logits for pred in preds]))
            labels[name] = mix(*(PixelTarget(*half) for half in zip(*(part.chunk(2) for part in located))))
            self.show(name, says=preds[0])

        losses, judged = {}, []
        for learner, teacher in PAIRS:
            sup, mixed = self.predict_views(self.branch(learner), inputs['sup'], images)
            judged.append(sup.logits)
            known = self.branch(learner).supervised_loss(sup, data_samples['sup'])
            losses.update(add_prefix(known, f'{learner}.sup'))
            pseudo = masked_mean(pixel_cross_entropy(mixed.logits, labels[teacher]), over=valid)
            losses[f'{learner}.unsup.loss_pseudo'] = self.unsup_weight * pseudo
            losses[f'{learner}.kept'] = masked_mean(labels[learner].weight, over=valid)
            self.show(learner, image=images, pred=mixed, target=labels[teacher], valid=valid, mix=mix.halves)
        losses.update(judge_labeled(self.localizer, inputs['sup'], judged, data_samples['sup']))
        agreed = labels['student'].label == labels['peer'].label
        losses['unsup.agreement'] = masked_mean(agreed.float(), over=valid)
        return losses

    def located(self, images: Tensor, logits: Tensor) -> PixelTarget:
        """Label images with a network's argmax where the localizer trusts it."""
        with labeling_mode(self.localizer):
            return self.localizer.target(self.localizer(images, logits), logits, self.threshold)
