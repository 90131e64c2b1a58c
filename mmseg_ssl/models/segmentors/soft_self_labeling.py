"""Soft self-labeling (Zhang & Boykov, CVPR 2025, arXiv 2507.01721)."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...structures import PixelTarget
from ..branch import Branch
from ..scribble_labels import SelfLabeling
from ..scribble_losses import require_mean_over_labeled
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class SoftSelfLabeling(SemiSegmentor):
    r"""Soft labels in accord with scribbles, colors and the prediction, solved for anew in every batch.

    ::

        sup --> student <-- scribbles
                 |   ^
      prediction |   | collision cross entropy, where there is no scribble
                 v   |
           soft labels y that lower eq. 8 <-- scribbles, colors

    .. math:: L(\sigma, y) = -\mathrm{mean}_{S} \ln \sigma_i^{\bar y_i}
                  + \eta\, \mathrm{mean}_{i \notin S}\, H(y_i, \sigma_i) + \lambda \sum_{ij \in N} w_{ij} P(y_i, y_j)

    (eq. 8.) In every step :math:`y` is solved for with the network fixed, then the network takes a step with :math:`y`
    fixed; the last term concerns the solver alone. Stages: ``pretrain``, with scribbles alone and nothing solved, and
    ``full``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        self_labeling: Options of :class:`~mmseg_ssl.models.scribble_labels.SelfLabeling`: ``eta``, ``cross_entropy``,
            and the solver's ``relaxation``, ``potts_weight``, ``bandwidth``; ``solver`` (``'chebyshev'``, the labels of
            the paper's 200 steps; ``'gd'``, these steps; ``'multiplicative'``, the minimum), ``steps``, ``step_size``,
            ``coarse_to_fine`` and others, see :func:`~mmseg_ssl.targets.self_label`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. For the network eq. 8's sums over pixels are means, over scribbled and over unlabeled pixels; the solver
           takes the sums.
        2. Padding and void pixels have no label and no neighbors.
        3. The labels of the 200 steps of gradient descent are reached with fewer gradients, to a soft Jaccard index of
           0.99; ``solver='gd'`` takes the steps.
        4. :math:`\eta` = 0.3 and :math:`\lambda` = 6 are the paper's for its best row. It tunes them for each
           relaxation and cross entropy, but does not say to what: all rows have these.
    """

    learns_between_scribbles = True

    def __init__(
        self,
        segmentor: dict,
        self_labeling: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)
        self.self_labeling = SelfLabeling(**(self_labeling or {}))

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the loss of the scribbles alone."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def full_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles and soft labels (eq. 8)."""
        sup = self.student(inputs['sup'])
        scribbles = self.data_preprocessor.scribbles(inputs['sup'], data_samples['sup'])
        label = self.self_labeling(sup.logits, scribbles)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        losses.update(self.self_labeling.losses(sup.logits, label, scribbles))
        taught = PixelTarget(label, scribbles.unlabeled)
        self.show('student', image=inputs['sup'], pred=sup, target=taught, valid=taught.weight, scribbles=scribbles)
        return losses

    stages = dict(pretrain=pretrain_loss, full=full_loss)
    stage = 'full'
