"""DUEB: uncertainty and energy based losses on CPCL (Thakur & Kurmi, WACV 2025, arXiv 2501.01640)."""

from functools import partial
from typing import Any, Optional

import torch
from mmengine.model import ModuleDict
from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...structures import IGNORE_INDEX
from ...targets import vote
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..collaborative_labels import collaborative_labels
from ..cutmix import CutMix
from ..dueb_terms import MixedLabels, build_term
from ..label_modes import TEACHER_MODES
from ..losses import free_energy, pixel_cross_entropy
from ..sample_pixels import valid_pixels
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class DUEB(SemiSegmentor):
    r"""CPCL whose branches also predict their aleatoric variance and are trained as energy-based models.

    ::

        sup   --> conservative, progressive <-- ground truth
        u0,u1 --> conservative, progressive, without gradient --> mixed as the images are
                      |                                             |
               intersection (agreed pixels)                 union (all pixels; the class they disagree on more wins)
                      v                                             v
        mix   --> conservative                              progressive <-- mix

        and in each branch, on ground truth and on its target:
        logits, variance --> aleatoric term <-- label
        logits           --> energy term    <-- label

    .. math:: L = L_{CPCL} + \tfrac12 \sum_b (L_{al} + L_{en})(f_b, y) + \sum_b (L_{al} + L_{en})(f_b, \hat y_b)

    with :math:`L_{al}` of :class:`KendallGalTerm` and :math:`L_{en} = \ln \sum_i e^{p_i}` of
    :class:`ReleaseEnergyTerm`, where :math:`p_i` is the probability of the label of pixel :math:`i`.

    Two network calls per branch and step, as in :class:`CPCL`.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each branch initializes a head of its own.
        aleatoric: Config of the aleatoric term: :class:`KendallGalTerm` by default, or of ``type``
            :class:`ReleaseAleatoricTerm`; None leaves it out.
        energy: Config of the energy term: :class:`ReleaseEnergyTerm` by default, or of ``type``
            :class:`JointEnergyTerm`, :class:`HingeEnergyTerm` or :class:`EnergyWeighting`, which scales CPCL's targets
            and adds no :math:`L_{en}`; None leaves it out.
        unsup_weight: CPCL's :math:`\lambda_u`.
        teacher_mode: As for :class:`CPCL`.
        side_heads: Side heads of each branch by name; a ``VarianceHead`` named ``variance`` is added if missing.
        **kwargs: As for :class:`SemiSegmentor`.

    Raises:
        ValueError: If ``side_heads`` gives the variance a loss of its own beside the aleatoric term.

    Deviations from the paper (its equations were not at hand; the public code was read, whose step is
    ``dueb_r50_voc_1-8_release.py``) beside those of CPCL:
        1. The public code's aleatoric term draws the noise without reparametrization, averages before it compares, and
           leaves the variance out of the optimizer, so its variance learns nothing. ``ReleaseAleatoricTerm`` is that
           loss; here the variance is in the optimizer all the same.
        2. The energy term is the public code's, a confidence penalty, in which pixels whose probability underflows to 0
           do not count. The paper speaks of a generative model: ``JointEnergyTerm`` is closer to its words.
           The configs of CamVid and MSRC-21 take ``EnergyWeighting`` instead, without :math:`L_{en}`, chosen on
           CamVid, see ``configs/dueb/README.md``.
        3. The variance starts from a small normal initialization (the public code leaves torch's).
        4. The variance is at most 10, see :class:`VarianceHead`; the public code does not bound it.
        5. A ``sample_stride`` above 1 takes some of the pixels; the public code takes all.
        6. The network of the configs has separable convolutions in the ASPP and the decoder, ReLU, and SyncBN; the
           papers' has plain convolutions, LeakyReLU in the ASPP, and BatchNorm: :class:`PlainASPPHead`, in
           ``dueb_r50_voc_1-8_plain-head.py``.
    """

    networks = ('conservative', 'progressive')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        aleatoric: Optional[dict] = {},  # read only; None is a choice of its own
        energy: Optional[dict] = {},
        unsup_weight: float = 1.0,
        teacher_mode: str = 'train',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        side_heads = dict(side_heads or {})
        if aleatoric is not None:
            given = side_heads.get('variance', {})
            if given.get('loss_weight'):
                raise ValueError(
                    'DUEB trains the variance by its aleatoric term, and side_heads.variance.loss_weight would do '
                    'nothing. Leave it out and give aleatoric=dict(weight=...); or take aleatoric=None.'
                )
            # trained here, with the weights of this method, and not a second time by the branch
            side_heads['variance'] = {'type': 'VarianceHead', **given, 'loss_weight': 0}
        self.conservative = Branch(segmentor, side_heads)
        self.progressive = Branch(segmentor, side_heads)
        self.aleatoric = build_term(aleatoric, 'KendallGalTerm')
        # one per branch, because each branch has margins of its own
        self.energy = ModuleDict({name: build_term(energy, 'ReleaseEnergyTerm') for name in self.networks})
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
        truth = torch.cat([sample.gt_sem_seg.data for sample in data_samples['sup']])

        losses = {}
        for name in self.networks:
            branch, energy, target = self.branch(name), self.energy[name], getattr(targets, name)
            # one call is cheaper than two; batch_statistics says whether BatchNorm sees both together
            sup, mixed = self.predict_views(branch, inputs['sup'], images)
            energy.observe(sup.logits, truth)
            target = energy.reweight(target, mixed.logits)
            own = add_prefix(branch.supervised_loss(sup, data_samples['sup']), 'sup')
            # over all image pixels: the fewer of them agree, the less is learned
            pseudo = masked_mean(pixel_cross_entropy(mixed.logits, target), over=valid)
            own['unsup.loss_pseudo'] = self.unsup_weight * pseudo
            # the terms take no weights: where padding must not teach, its label is ignored
            label = target.label.where(valid, target.label.new_full((), IGNORE_INDEX))
            mixed_labels = MixedLabels(label, valid, targets.agreed)
            for term in (self.aleatoric, energy):
                own.update(term(sup, truth, mixed, mixed_labels))
            losses.update(add_prefix(own, name))
            self.show(name, image=images, pred=mixed, target=target, valid=valid, mix=mix.halves)
            self.show(name, energy=partial(free_energy, mixed.logits))
        losses['unsup.agreement'] = masked_mean(targets.agreed.float(), over=valid)
        losses['unsup.confidence'] = masked_mean(targets.progressive.weight, over=valid)
        return losses
