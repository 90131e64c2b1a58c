"""Tree energy loss (Liang et al., CVPR 2022, arXiv 2203.10739)."""

from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import masked_mean
from ...ops.precision import at_least_fp32
from ...ops.tree_filter import spanning_forest, tree_filter


@MODELS.register_module()
class TreeEnergyLoss(nn.Module):
    r"""L1 distance of a prediction from its own mean along trees of similar pixels.

    .. math:: L = \lambda\, \mathrm{mean}_{i \notin S} \| P_i - \hat P_i \|_1, \qquad \hat P = F_{high}(F_{low}(P))

    :math:`F` is :func:`~mmseg_ssl.ops.tree_filter.tree_filter` with :math:`a_e = \exp(-\|f_i - f_j\|^2 / \sigma)`:
    first on the tree of the colors, then on that of the embedding, with :math:`\sigma = 1`.

    Args:
        weight: :math:`\lambda`.
        sigma: :math:`\sigma` of the colors, of images as the network sees them: 0.02 on VOC, 0.002 on Cityscapes.

    Raises:
        ValueError: If one of them is not possible.
    """

    def __init__(self, weight: float = 0.4, sigma: float = 0.02) -> None:
        super().__init__()
        if weight < 0 or not sigma > 0:
            raise ValueError(f'TreeEnergyLoss: weight is at least 0 and sigma above 0, got {weight} and {sigma}.')
        self.weight, self.sigma = weight, sigma

    def forward(self, probs: Tensor, images: Tensor, embedding: Tensor, valid: Tensor, unlabeled: Tensor) -> Tensor:
        """Compute the cost of a prediction.

        Args:
            probs: ``(B, C, h, w)``, distributions on dim 1.
            images: ``(B, 3, h, w)``, normalized.
            embedding: ``(B, D, h, w)``.
            valid: ``(B, h, w)`` bool, false on padding: no tree leads through it.
            unlabeled: ``(B, h, w)`` bool, the pixels that count.

        Returns:
            A scalar, at least 0.
        """
        smooth = self.smooth(at_least_fp32(probs), images, valid, self.sigma)
        # the second tree filters the result of the first: colors find borders, features find objects
        smooth = self.smooth(smooth, embedding, valid, 1.0)
        return self.weight * masked_mean((probs - smooth).abs().sum(dim=1), over=unlabeled)

    @staticmethod
    def smooth(values: Tensor, features: Tensor, valid: Tensor, sigma: float) -> Tensor:
        """Average a map ``(B, C, h, w)`` along the trees of some features."""
        forest = spanning_forest(features, valid)
        flat, points = (tensor.movedim(1, -1).flatten(0, 2) for tensor in (values, at_least_fp32(features)))
        distance = (points - points[forest.parent]).square().sum(dim=1)
        inside = valid.flatten() & valid.flatten()[forest.parent]
        weights = (distance.where(inside, 0) / -sigma).exp() * inside
        filtered = tree_filter(flat, weights.to(flat.dtype), forest)
        return filtered.view(len(values), *values.shape[2:], -1).movedim(-1, 1)
