"""Scribbles with a Potts relaxation as regularizer, by gradient descent: GridCRF, DenseCRF, non-local CRF."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import masked_mean
from ...utils.choices import not_negative
from ..branch import Branch
from ..scribble_losses import require_mean_over_labeled
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class PottsRegularized(SemiSegmentor):
    r"""Partial cross entropy, and a prediction that is confident and smooth within regions of like color.

    ::

        sup --> student <-- scribbles
                   `------- entropy, Potts relaxation over neighboring pixels <-- colors

    .. math:: L = -\mathrm{mean}_{S} \ln \sigma_i^{\bar y_i} + \eta\, \mathrm{mean}_{i \notin S}\, H(\sigma_i)
                  + \lambda \sum_{ij \in N} w_{ij} P(\sigma_i, \sigma_j) / Z

    (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 4.) :class:`PottsCost` says what :math:`P`, :math:`N` and
    :math:`Z` are: ``neighborhood='nearest'`` is the GridCRF loss, ``'dense'`` with ``relaxation='bilinear'`` the
    DenseCRF loss (Tang et al., ECCV 2018), ``'nonlocal'`` the loss of Veksler & Boykov (CVPR 2022).

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        eta: :math:`\eta`, weight of the entropy; the GridCRF and DenseCRF losses have none.
        potts: Options of :class:`PottsCost`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. Eq. 4 has sums over pixels; here each term is a mean, and :math:`Z` is the number of unlabeled pixels, so
           that :math:`\eta` and :math:`\lambda` keep their proportion. Their values are not published.
        2. All pairs of pixels are taken at reduced resolution, see :class:`PottsCost`; the paper filters in a
           permutohedral lattice.
        3. The random pairs of ``'nonlocal'`` are drawn anew in each step, at the same offsets for all pixels; density
           and weights of the paper's pairs are not known.
    """

    learns_between_scribbles = True

    def __init__(
        self,
        segmentor: dict,
        eta: float = 0.3,
        potts: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)
        self.eta = not_negative(eta=eta)
        self.potts = MODELS.build(dict(dict(type='PottsCost'), **(potts or {})))

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the loss of the scribbles alone."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def full_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles and of both regularizers (eq. 4)."""
        sup = self.student(inputs['sup'])
        scribbles = self.data_preprocessor.scribbles(inputs['sup'], data_samples['sup'])
        # one softmax for both, and no logarithm of 0
        log_probs = sup.logits.log_softmax(dim=1)
        probs = log_probs.exp()
        entropy = -(probs * log_probs).sum(dim=1)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        decided = masked_mean(entropy, over=scribbles.unlabeled)
        losses['unsup.loss_entropy'] = self.eta * decided
        losses['unsup.loss_potts'] = self.potts(probs, scribbles)
        losses['unsup.confidence'] = masked_mean(probs.detach().amax(dim=1), over=scribbles.unlabeled)
        self.show('student', image=inputs['sup'], pred=sup, valid=scribbles.unlabeled, scribbles=scribbles)
        return losses

    stages = dict(pretrain=pretrain_loss, full=full_loss)
    stage = 'full'
