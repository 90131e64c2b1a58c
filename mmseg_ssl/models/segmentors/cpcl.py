"""CPCL: conservative-progressive collaborative learning (Fan et al., IEEE TIP 2022, arXiv 2211.16701)."""

from typing import Any, List, NamedTuple, Optional, Tuple

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import BoxMix, masked_mean
from ...structures import PixelTarget, Prediction
from ...targets import Vote, disagreement, intersection, union, vote
from ..branch import Branch
from ..data_preprocessor import valid_pixels
from ..labelling import TEACHER_MODES, labelling
from ..losses import pixel_cross_entropy
from .base import LossDict, SemiSegmentor, Views, ViewSamples


class BranchStep(NamedTuple):
    """What one branch sees in a step: its predictions, and the target of the mixed images.

    Attributes:
        name: ``conservative`` or ``progressive``.
        sup: Prediction of the labelled images.
        mixed: Prediction of the mixed images.
        target: Intersection or union of both branches' labels on the mixed images; weight 0 on padding.
        agreed: ``(B, H, W)`` bool, where both branches gave the same label.
        valid: ``(B, H, W)`` bool, which pixels of the mixed images are image.
    """

    name: str
    sup: Prediction
    mixed: Prediction
    target: PixelTarget
    agreed: Tensor
    valid: Tensor


@MODELS.register_module()
class CPCL(SemiSegmentor):
    r"""Two networks teach each other: one what both agree on, the other what either says.

    ::

        sup   --> conservative, progressive <-- ground truth
        u0,u1 --> conservative, progressive, without gradient --> mixed as the images are
                      |                                             |
               intersection (agreed pixels)                 union (all pixels; the class they argue about more wins)
                      v                                             v
        mix   --> conservative                              progressive <-- mix

    .. math:: L = L_{sup} + \lambda_u \big( \mathrm{mean}_i\, w^{int}_i CE(f_1(u)_i, y^{int}_i)
                  + \mathrm{mean}_i\, w^{uni}_i CE(f_2(u)_i, y^{uni}_i) \big)

    The means run over all pixels of the image: one that was not agreed on counts as 0. The unlabelled batch holds two
    independent images a labelled one (``unlabeled_per_labeled=2``). Two network calls a branch and step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each branch initialises its own head.
        unsup_weight: :math:`\lambda_u`; 5 on Cityscapes, 1 on VOC.
        cutmix: Config of :class:`CutMix`.
        merge_calls: Whether labelled and mixed images share a network call, and likewise u0 and u1.
        teacher_mode: ``'train'`` (BatchNorm by the batch and dropout while labels are made, as the public code) or
            ``'eval'``.
        side_heads: Side heads of each branch by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. ``merge_calls``: two calls a branch and step instead of four, so BatchNorm sees labelled and mixed images
           together (measured in ``configs/dueb/README.md``).
        2. Padding is not part of the image: it is neither taught nor counted.
        3. One optimiser for both branches; SGD acts on each weight alone, so this changes nothing but the config.
        4. The indicator is computed over the batch of all processes.
    """

    networks = ('conservative', 'progressive')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.0,
        cutmix: Optional[dict] = None,
        merge_calls: bool = True,
        teacher_mode: str = 'train',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if teacher_mode not in TEACHER_MODES:
            raise ValueError(f'teacher_mode must be one of {TEACHER_MODES}, got {teacher_mode!r}.')
        self.conservative = Branch(segmentor, side_heads)
        self.progressive = Branch(segmentor, side_heads)
        self.cutmix = MODELS.build(dict(type='CutMix', **(cutmix or {})))
        self.unsup_weight = unsup_weight
        self.merge_calls = merge_calls
        self.teacher_mode = teacher_mode

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        weak_a, weak_b = self.two_batches(inputs['weak'])
        valid_a, valid_b = valid_pixels(data_samples['weak'], inputs['weak']).chunk(2)
        mix = self.cutmix.sample(data_samples['weak'][: len(weak_a)], weak_a)
        images, valid = mix(weak_a, weak_b), mix(valid_a, valid_b)

        vote_c = self.vote(self.conservative, weak_a, weak_b, mix)
        vote_p = self.vote(self.progressive, weak_a, weak_b, mix)
        indicator = self.indicator(vote_c, vote_p, valid)
        agreed = intersection(vote_c, vote_p).reweight(valid)
        either = union(vote_c, vote_p, indicator).reweight(valid)

        losses = {}
        for name, target in dict(conservative=agreed, progressive=either).items():
            sup, mixed = self.predict_merged(getattr(self, name), inputs['sup'], images)
            step = BranchStep(name, sup, mixed, target, agreed.weight > 0, valid)
            losses.update(add_prefix(self.branch_losses(step, data_samples['sup']), name))
        losses['unsup.agreement'] = masked_mean((agreed.weight > 0).float(), over=valid)
        losses['unsup.confidence'] = masked_mean(either.weight, over=valid)
        return losses

    def branch_losses(self, step: BranchStep, samples: List[SegDataSample]) -> LossDict:
        """Losses of one branch: supervised, and confidence-weighted over all pixels of the mixed images."""
        losses = add_prefix(getattr(self, step.name).supervised_loss(step.sup, samples), 'sup')
        pseudo = masked_mean(pixel_cross_entropy(step.mixed.logits, step.target), over=step.valid)
        losses['loss_pseudo'] = self.unsup_weight * self.unsup_scale * pseudo
        return losses

    def vote(self, branch: Branch, weak_a: Tensor, weak_b: Tensor, mix: BoxMix) -> Vote:
        """A network's vote on the mixed images, from its predictions of the unmixed ones."""
        with labelling(branch, self.teacher_mode):
            logits_a, logits_b = (pred.logits for pred in self.predict_merged(branch, weak_a, weak_b))
        return vote(mix(logits_a, logits_b).softmax(dim=1))

    def predict_merged(self, branch: Branch, first: Tensor, second: Tensor) -> Tuple[Prediction, Prediction]:
        """Predictions of two batches, in one call or, with ``merge_calls=False``, in two."""
        if not self.merge_calls:
            return branch(first), branch(second)
        first_pred, second_pred = branch(torch.cat([first, second])).split([len(first), len(second)])
        return first_pred, second_pred

    @staticmethod
    def indicator(vote_a: Vote, vote_b: Vote, valid: Tensor) -> Tensor:
        """Class-wise disagreement over the image pixels of the batch, ``(C,)``."""
        nowhere = torch.full((), vote_a.num_classes, device=valid.device)  # out of range: does not count
        labels = [voted.label.where(valid, nowhere) for voted in (vote_a, vote_b)]
        return disagreement(labels[0], labels[1], vote_a.num_classes)
