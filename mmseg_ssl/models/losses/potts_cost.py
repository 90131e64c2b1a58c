"""Potts term of the regularized loss, for gradient descent (arXiv 2507.01721, eq. 4)."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops import masked_mean
from ...ops.affinity import GRID_OFFSETS, Bandwidth, grid_affinity
from ...ops.dense_neighborhood import dense_potts
from ...ops.neighborhood import PairCost, offset_affinity, offset_potts, random_offsets
from ...ops.potts import RELAXATIONS
from ...structures import Scribbles
from ...utils.choices import one_of

NEIGHBORHOODS = ('nearest', 'nonlocal', 'dense')
NORMALIZATIONS = ('pixels', 'edges', 'images')


@MODELS.register_module()
class PottsCost(nn.Module):
    r"""Potts cost of a prediction: neighbors of similar color should have similar predictions.

    .. math:: L = \lambda \sum_{ij \in N} w_{ij} P(\sigma_i, \sigma_j) / Z

    Args:
        relaxation: :math:`P`, one of the six of :func:`~mmseg_ssl.ops.potts`.
        weight: :math:`\lambda`.
        neighborhood: :math:`N`: ``'nearest'``, the pixel grid (GridCRF; NN in the paper); ``'nonlocal'``, the grid and
            pairs at random steps (after Veksler & Boykov, CVPR 2022); ``'dense'``, all pairs (DenseCRF; DN in the
            paper), see :func:`~mmseg_ssl.ops.dense_neighborhood.dense_potts`.
        bandwidth: Color bandwidth, see :func:`~mmseg_ssl.ops.grid_affinity`; ``'adaptive'`` is for the grid alone.
        connectivity: 4 or 8 neighbors on the grid.
        normalization: :math:`Z`: ``'pixels'``, the unlabeled ones, so that :math:`\lambda` and the mean entropy's
            :math:`\eta` keep the proportion of eq. 4; ``'edges'``, the pairs of each image, and the mean over images,
            as in the public code of Robust Trust Region: where padding differs, pairs of a small image count more;
            ``'images'``, eq. 4's sum per image, as in the public code of the DenseCRF loss.
        partners: Number of random offsets of ``'nonlocal'``; the paper's is not known.
        radius: Length of the longest offset, in pixels.
        spatial_bandwidth: Of ``'dense'``, in pixels.
        resolution: Longer side of the map on which ``'dense'`` is computed.

    Raises:
        ValueError: If an option is unknown or out of range.
    """

    def __init__(
        self,
        relaxation: str = 'quadratic',
        weight: float = 1.0,
        neighborhood: str = 'nearest',
        bandwidth: Bandwidth = 9.0,
        connectivity: int = 4,
        normalization: str = 'pixels',
        partners: int = 8,
        radius: float = 100.0,
        spatial_bandwidth: float = 100.0,
        resolution: int = 64,
    ) -> None:
        super().__init__()
        self.relaxation, self.weight = one_of(RELAXATIONS, relaxation=relaxation), weight
        self.neighborhood = one_of(NEIGHBORHOODS, neighborhood=neighborhood)
        self.normalization = one_of(NORMALIZATIONS, normalization=normalization)
        self.connectivity = one_of(tuple(GRID_OFFSETS), connectivity=connectivity)
        self.bandwidth: Any = bandwidth  # a number where pairs are not the nearest, see _refuse_impossible
        self.partners, self.radius = partners, radius
        self.spatial_bandwidth, self.resolution = spatial_bandwidth, resolution
        self._refuse_impossible()

    def forward(self, probs: Tensor, scribbles: Scribbles) -> Tensor:
        """Compute the cost of a prediction.

        Args:
            probs: ``(B, C, H, W)``, distributions on dim 1.
            scribbles: Of the same images.

        Returns:
            A scalar, at least 0 up to rounding.
        """
        total, pairs = self.cost(probs, scribbles)
        if self.normalization == 'images':
            return self.weight * total.mean()
        if self.normalization == 'edges':
            return self.weight * (total / pairs.clamp(min=1)).mean()
        count = scribbles.unlabeled.sum().to(total.dtype)
        # the sum of all costs by the number of all pixels, of all processes
        return self.weight * masked_mean(total.sum() / count.clamp(min=1), over=count)

    def cost(self, probs: Tensor, scribbles: Scribbles) -> PairCost:
        """Compute cost and number of the pairs of every image."""
        images, valid = scribbles.images, scribbles.valid
        if self.neighborhood == 'dense':
            bandwidths = (self.bandwidth, self.spatial_bandwidth)
            return dense_potts(probs, images, valid, self.relaxation, *bandwidths, self.resolution)
        grid = GRID_OFFSETS[self.connectivity]
        affinity = grid_affinity(images, self.bandwidth, self.connectivity, valid)
        near = offset_potts(probs, affinity, grid, valid, self.relaxation)
        if self.neighborhood == 'nearest':
            return near
        # new ones in every step: over the iterations each pair comes up
        steps = random_offsets(self.partners, self.radius)
        affinity = offset_affinity(images, steps, self.bandwidth, valid)
        far = offset_potts(probs, affinity, steps, valid, self.relaxation)
        return PairCost(near.total + far.total, near.pairs + far.pairs)

    def _refuse_impossible(self) -> None:
        """Refuse options that have no meaning."""
        if min(self.weight, self.partners) < 0 or min(self.radius, self.resolution) < 1 or self.spatial_bandwidth <= 0:
            raise ValueError(
                'PottsCost: weight and partners are at least 0, radius and resolution at least 1 and spatial_bandwidth '
                f'above 0, got {self.weight}, {self.partners}, {self.radius}, {self.resolution} and '
                f'{self.spatial_bandwidth}.'
            )
        adaptive = self.bandwidth in (None, 'adaptive')
        if adaptive and self.neighborhood == 'nearest':
            return
        if adaptive or isinstance(self.bandwidth, str) or not self.bandwidth > 0:
            raise ValueError(
                "PottsCost: bandwidth is above 0 (in gray levels), or 'adaptive' with neighborhood='nearest'; got "
                f'{self.bandwidth!r} with {self.neighborhood!r}.'
            )
