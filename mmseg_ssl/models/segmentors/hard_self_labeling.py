"""Hard self-labeling by graph cut: "Robust Trust Region" (Marin & Boykov, ICCV 2021, arXiv 2104.01948)."""

from typing import Any, Optional

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import likeliest, masked_mean
from ...structures import PixelTarget
from ...utils.choices import not_negative
from ..branch import Branch
from ..losses.robust import check_error_rate, robust_cross_entropy
from ..scribble_labels import GraphCutLabeling
from ..scribble_losses import require_mean_over_labeled
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class HardSelfLabeling(SemiSegmentor):
    r"""Hard labels of a Potts model, computed anew for every batch, and a loss that expects many of them to be wrong.

    ::

        sup --> student <-- scribbles
                 |   ^
      prediction |   | robust negative log-likelihood
                 v   |
           hard labels by alpha-expansion <-- scribbles, colors

    .. math:: L = -\mathrm{mean}_{S} \ln \sigma_i^{\bar y_i} - \mathrm{mean}_{i \notin S}
                  \ln\left[\left(1 - \tfrac{C \epsilon}{C - 1}\right) \sigma_i^{l_i} + \tfrac{\epsilon}{C - 1}\right]

    Needs PyMaxflow (``pip install mmseg_ssl[graphcut]``). Stages as in :class:`SoftSelfLabeling`.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        error_rate: :math:`\epsilon`, below :math:`1 - 1 / C`. The public code's on VOC by the length of scribbles:
            0.944 (full), 0.946 (0.8), 0.9514 (0.5), 0.9516 (0.3), 0.9522 (clicks).
        self_labeling: Options of :func:`~mmseg_ssl.targets.hard_self_label`; the public code's ``unary_weight`` by the
            length of scribbles: 0.05, 0.075, 0.1, 0.1, 0.1.
        robust_weight: Factor of the second term.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Raises:
        ValueError: If the error rate is not possible for this number of classes.

    Deviations from the paper:
        1. Labels are computed in every step, for the training crop; the public code does so in every fifth epoch.
        2. The robust loss is the mean over unlabeled pixels, in addition to the plain one on scribbles. (The public
           code divides both sums by the number of scribbled pixels, so that a pixel counts the same in either:
           ``robust_weight`` is then the number of unlabeled pixels for each scribbled one.)
        3. Labels are made from the prediction that is trained, in train mode (in eval mode; not offered).
    """

    learns_between_scribbles = True

    def __init__(
        self,
        segmentor: dict,
        error_rate: float = 0.944,
        self_labeling: Optional[dict] = None,
        robust_weight: float = 1.0,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        require_mean_over_labeled(self.student)
        check_error_rate(error_rate, self.student.num_classes)
        self.error_rate = error_rate
        self.robust_weight = not_negative(robust_weight=robust_weight)
        self.self_labeling = GraphCutLabeling(**(self_labeling or {}))

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the loss of the scribbles alone."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def full_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles and hard labels."""
        sup = self.student(inputs['sup'])
        scribbles = self.data_preprocessor.scribbles(inputs['sup'], data_samples['sup'])
        # after the network call, with its prediction: the labels are as new as the network
        target = self.self_labeling(sup.logits, scribbles)

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        distance = robust_cross_entropy(sup.logits, target.label, self.error_rate)
        losses['unsup.loss_robust'] = self.robust_weight * masked_mean(distance, over=scribbles.unlabeled)
        agreed = (likeliest(sup.logits)[1] == target.label).float()
        losses['unsup.agreement'] = masked_mean(agreed, over=scribbles.unlabeled)
        taught = PixelTarget(target.label, scribbles.unlabeled)
        self.show('student', image=inputs['sup'], pred=sup, target=taught, valid=taught.weight, scribbles=scribbles)
        return losses

    stages = dict(pretrain=pretrain_loss, full=full_loss)
    stage = 'full'
