"""CPCL: conservative-progressive collaborative learning (Fan et al., IEEE TIP 2022, arXiv 2211.16701)."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...targets import vote
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..collaborative_labels import collaborative_labels
from ..cutmix import CutMix
from ..label_modes import TEACHER_MODES
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class CPCL(SemiSegmentor):
    r"""Two networks teach each other: one learns where both agree, the other everywhere.

    ::

        sup   --> conservative, progressive <-- ground truth
        u0,u1 --> conservative, progressive, without gradient --> mixed as the images are
                      |                                             |
               intersection (agreed pixels)                 union (all pixels; the class they disagree on more wins)
                      v                                             v
        mix   --> conservative                              progressive <-- mix

    .. math:: L = L_{sup} + \lambda_u \big( \mathrm{mean}_i\, w^{int}_i CE(f_1(u)_i, y^{int}_i)
                  + \mathrm{mean}_i\, w^{uni}_i CE(f_2(u)_i, y^{uni}_i) \big)

    The means run over all pixels of the image; a pixel without agreement counts as 0. The unlabeled batch holds two
    independent images per labeled one (``unlabeled_per_labeled=2``). Two network calls per branch and step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each branch initializes a head of its own.
        unsup_weight: :math:`\lambda_u`; 5 on Cityscapes, 1 on VOC.
        teacher_mode: ``'train'`` (BatchNorm by the batch and dropout while labels are made, as the public code) or
            ``'eval'``.
        side_heads: Side heads of each branch by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. Two calls per branch and step instead of four: labeled and mixed images share one, and so do u0 and u1.
           ``batch_statistics='separate'`` normalizes them as four calls would (measured in ``configs/dueb/README.md``).
        2. Padding is not part of the image: it neither teaches nor counts.
        3. One optimizer for both branches; SGD acts on each weight alone, so only the config differs.
        4. The class-wise indicator is computed over the batches of all processes.
    """

    networks = ('conservative', 'progressive')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.0,
        teacher_mode: str = 'train',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conservative = Branch(segmentor, side_heads)
        self.progressive = Branch(segmentor, side_heads)
        self.cutmix = CutMix()
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        self.teacher_mode = one_of(TEACHER_MODES, teacher_mode=teacher_mode)

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        weak_a, weak_b = self.two_batches(inputs['weak'])
        mix = self.cutmix.sample(data_samples['weak'][: len(weak_a)], weak_a)
        # one mask for all: a pixel's label comes from the image that the pixel comes from
        images, valid = mix(weak_a, weak_b), mix(*valid_pixels(data_samples['weak'], inputs['weak']).chunk(2))
        votes = []
        for name in self.networks:  # both label before either is trained: a training call moves BatchNorm statistics
            pred_a, pred_b = self.label_views(self.branch(name), weak_a, weak_b, mode=self.teacher_mode)
            votes.append(vote(mix(pred_a.logits, pred_b.logits).softmax(dim=1)))
            self.show(name, says=votes[-1], image=images)
        targets = collaborative_labels(votes[0], votes[1], valid)

        losses = {}
        for name in self.networks:
            branch, target = self.branch(name), getattr(targets, name)
            # one call is cheaper than two; batch_statistics says whether BatchNorm sees both together
            sup, mixed = self.predict_views(branch, inputs['sup'], images)
            losses.update(add_prefix(branch.supervised_loss(sup, data_samples['sup']), f'{name}.sup'))
            # over all image pixels: the fewer of them agree, the less is learned
            pseudo = masked_mean(pixel_cross_entropy(mixed.logits, target), over=valid)
            losses[f'{name}.unsup.loss_pseudo'] = self.unsup_weight * pseudo
            self.show(name, image=images, pred=mixed, target=target, valid=valid, mix=mix.halves)
        losses['unsup.agreement'] = masked_mean(targets.agreed.float(), over=valid)
        losses['unsup.confidence'] = masked_mean(targets.progressive.weight, over=valid)
        return losses
