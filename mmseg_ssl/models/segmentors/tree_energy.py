"""Scribbles with the tree energy loss (Liang et al., CVPR 2022, arXiv 2203.10739)."""

from typing import Any, Optional

import torch.nn.functional as F
from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops.dense_neighborhood import cell_means
from ..branch import Branch
from ..scribble_losses import require_mean_over_labeled
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class TreeEnergy(SemiSegmentor):
    r"""Partial cross entropy, and a prediction that equals its own mean along trees of similar pixels.

    ::

        sup --> student <-- scribbles
                 |   ^
      prediction |   | L1, where there is no scribble
                 v   |
           mean along the spanning tree of the colors, then along that of the embedding

    .. math:: L = -\mathrm{mean}_{S} \ln P_i^{\bar y_i} + \lambda\, \mathrm{mean}_{i \notin S} \| P_i - \hat P_i \|_1

    At the resolution of the decode head. The trees are made on the CPU: a step waits for the device. Stages as in
    :class:`SoftSelfLabeling`.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        tree: Options of :class:`TreeEnergyLoss`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. The embedding is the input of the head's last convolution. Prediction and colors are means over the cells of
           the embedding; a cell with any pixel without a scribble counts as unlabeled.
        2. Padding and void pixels are cut out of the trees.
    """

    learns_between_scribbles = True

    def __init__(
        self,
        segmentor: dict,
        tree: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads, needs_embedding=True)
        require_mean_over_labeled(self.student)
        self.tree = MODELS.build(dict(dict(type='TreeEnergyLoss'), **(tree or {})))

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the loss of the scribbles alone."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def full_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of scribbles and of the tree energy."""
        sup = self.student(inputs['sup'])
        scribbles = self.data_preprocessor.scribbles(inputs['sup'], data_samples['sup'])
        embedding = sup.embedding
        assert embedding is not None  # or the branch was refused
        size = embedding.shape[2:]
        probs, images = (
            cell_means(maps, scribbles.valid, size, fill=0)[0].unflatten(2, size)
            for maps in (sup.logits.softmax(dim=1), inputs['sup'])
        )
        valid, unlabeled = (
            # a cell counts if any of its pixels does
            F.adaptive_max_pool2d(mask.float(), size) > 0
            for mask in (scribbles.valid, scribbles.unlabeled)
        )

        losses = add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')
        losses['unsup.loss_tree'] = self.tree(probs, images, embedding, valid, unlabeled)
        self.show('student', image=inputs['sup'], pred=sup, valid=scribbles.unlabeled, scribbles=scribbles)
        return losses

    stages = dict(pretrain=pretrain_loss, full=full_loss)
    stage = 'full'
