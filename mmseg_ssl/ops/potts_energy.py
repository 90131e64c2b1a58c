"""Energy that soft self-labeling minimizes (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 8)."""

from typing import Iterator, NamedTuple, Tuple

import torch
from torch import Tensor

from .potts import WITH_CONSTANT_SLOPES, WITHOUT_OWN_SLOPE, potts, potts_slopes, potts_value
from .unary import unary_forces, unary_value

BAND_BYTES = 1 << 19
"""Size of the bands of pixels in which a CPU processes labels, per thread: what its cache holds."""

MIN_BANDS = 32
"""Default of the fewest bands, on any device: temporaries are that much smaller than the labels."""

MIN_BAND_PIXELS = 256
"""Pixels of the shortest band: below it, a call costs more than its work."""

MAP_PARTS = 4
"""Parts in which maps without classes are processed: few, because launching a kernel costs more than its work."""


class PairProducts(NamedTuple):
    """All that the energy depends on, one number per pixel or edge instead of one per class.

    Attributes:
        unary: ``(B, N)``, cost of every label given the prediction.
        square: ``(B, N)``, squared norm of every label.
        dots: ``(B, E, N)``, inner product of the labels at both ends of every edge.
    """

    unary: Tensor
    square: Tensor
    dots: Tensor


class PottsEnergy(NamedTuple):
    r"""Energy of soft labels :math:`y` given a prediction :math:`\sigma`, per image.

    .. math:: E(y) = \eta \sum_{i\ \mathrm{free}} H(y_i, \sigma_i) + \lambda \sum_{ij \in N} w_{ij} P(y_i, y_j)

    Summed, not averaged. Pixels are numbered row by row, ``N = H W``: an edge of the grid leads from pixel ``i`` to
    ``i + shift``, for all ``i`` alike. Where that would step over the border of the image its affinity is 0.

    Attributes:
        prediction: ``(B, C, N)``, :math:`\sigma`, or :math:`\ln \sigma` for the ``'standard'`` unary.
        free: ``(B, N)`` bool, the pixels whose labels are solved for; all others are fixed.
        affinity: ``(B, E, N)``, :math:`\lambda w` of the edges that start at a pixel.
        degree: Largest sum of a pixel's affinities, that of an image of one color.
        shifts: From one end to the other of the ``E`` kinds of edges, at least 0.
        relaxation: :math:`P`, one of :data:`~mmseg_ssl.ops.potts.RELAXATIONS`.
        unary: :math:`H`, one of :data:`~mmseg_ssl.ops.unary.UNARIES`.
        eta: :math:`\eta`.
        min_bands: Fewest bands of pixels; 1 where the memory of temporaries does not matter.
    """

    prediction: Tensor
    free: Tensor
    affinity: Tensor
    degree: float
    shifts: Tuple[int, ...]
    relaxation: str
    unary: str
    eta: float
    min_bands: int = MIN_BANDS

    def __call__(self, labels: Tensor) -> Tensor:
        """Compute the energy by the formula, for autograd.

        Args:
            labels: ``(B, C, N)``, distributions on dim 1.

        Returns:
            ``(B,)`` fp64, at least 0 up to rounding.
        """
        energy = self.eta * _total(unary_value(labels, self.prediction, self.unary) * self.free)
        for edge, shift in enumerate(self.shifts):
            near, far = flat_edge_ends(labels, shift)
            affinity = flat_edge_ends(self.affinity[:, edge], shift)[0]
            energy = energy + _total(potts(near, far, self.relaxation) * affinity)
        return energy

    def products(self, labels: Tensor, for_value: bool = True) -> PairProducts:
        """Compute what :meth:`value` and :meth:`forces` need of ``(B, C, N)`` labels, in one pass.

        Args:
            labels: ``(B, C, N)``, distributions on dim 1.
            for_value: If not, leave at 0 what the forces do not depend on.

        Returns:
            The products.
        """
        (unary, square), dots = labels.new_zeros(2, *self.free.shape), torch.zeros_like(self.affinity)
        with_dots = for_value or self.relaxation not in WITH_CONSTANT_SLOPES
        for start, stop in self.bands(labels):
            band = labels[..., start:stop]
            if for_value or self.unary == 'collision':
                unary[:, start:stop] = unary_value(band, self.prediction[..., start:stop], self.unary)
            if with_dots and (for_value or self.relaxation not in WITHOUT_OWN_SLOPE):
                torch.linalg.vecdot(band, band, dim=1, out=square[:, start:stop])
            for edge, shift in enumerate(self.shifts if with_dots else ()):
                far = labels[..., start + shift : stop + shift]
                near = band[..., : far.shape[-1]]
                dots[:, edge, start : start + far.shape[-1]] = torch.linalg.vecdot(near, far, dim=1)
        return PairProducts(unary, square, dots)

    def value(self, products: PairProducts) -> Tensor:
        """Compute the energy from the products.

        Args:
            products: From :meth:`products`.

        Returns:
            ``(B,)`` fp64.
        """
        energy = self.eta * _total(products.unary * self.free)
        for edge, near, far in self._edges():
            ends = products.square[:, near], products.square[:, far]
            cost = potts_value(products.dots[:, edge, near], *ends, self.relaxation)
            energy += _total(cost * self.affinity[:, edge, near])
        return energy

    def pull_and_push(self, products: PairProducts) -> Tuple[Tensor, Tensor]:
        """Compute how strongly labels attract each other and repel themselves: the gradient's factors.

        Args:
            products: Of the labels, from :meth:`products`.

        Returns:
            ``(B, E, N)``, factor of the label at one end of an edge in minus the gradient at the other; ``(B, N)``,
            factor of a label in its own gradient. Both at least 0.
        """
        pull, push = torch.zeros_like(self.affinity), torch.zeros_like(products.square)
        for edge, near, far in self._edges():
            dot, weight = products.dots[:, edge, near], self.affinity[:, edge, near]
            ends = products.square[:, near], products.square[:, far]
            slopes = potts_slopes(dot, *ends, self.relaxation)
            pull[:, edge, near].addcmul_(weight, slopes.other, value=-1)
            # both ends of an edge: the dot product is symmetric, the slopes are not
            push[:, near].addcmul_(weight, slopes.own)
            push[:, far].addcmul_(weight, potts_slopes(dot, *ends[::-1], self.relaxation).own)
        return pull, push

    def forces(
        self, labels: Tensor, products: PairProducts, pull: Tensor, start: int, stop: int
    ) -> Tuple[Tensor, Tensor]:
        """Compute the gradient at some pixels, without the push, as a difference of two parts, both at least 0.

        Args:
            labels: ``(B, C, N)``, distributions on dim 1.
            products: Of the labels.
            pull: Of the labels, from :meth:`pull_and_push`.
            start: First pixel.
            stop: The pixel after the last.

        Returns:
            Forces toward a class and away from it, ``(B, C, stop - start)``: with the push, gradient = second + push *
            labels - first.
        """
        inside = (..., slice(start, stop))
        toward, off = unary_forces(
            labels[inside], self.prediction[inside], products.unary[inside], self.unary, self.eta
        )
        for edge, shift in enumerate(self.shifts):
            far = labels[..., start + shift : stop + shift]
            toward[..., : far.shape[-1]].addcmul_(far, pull[:, edge : edge + 1, start : start + far.shape[-1]])
            # the edges that end here start shift pixels earlier, the first band has fewer of them
            first = max(start - shift, 0)
            near = labels[..., first : max(stop - shift, 0)]
            begin = stop - start - near.shape[-1]
            toward[..., begin:].addcmul_(near, pull[:, edge : edge + 1, first : first + near.shape[-1]])
        return toward, off

    def bands(self, labels: Tensor) -> Iterator[Tuple[int, int]]:
        """Yield start and stop of bands that cover all pixels of ``(B, C, N)`` labels once."""
        num_pixels, size = labels.shape[-1], labels.numel() * labels.element_size()
        # a GPU needs no bands for its cache, only for the size of temporaries
        cached = 1 if labels.is_cuda else size // (BAND_BYTES * torch.get_num_threads())
        length = max(MIN_BAND_PIXELS, -(-num_pixels // max(self.min_bands, cached)))
        for start in range(0, num_pixels, length):
            yield start, min(start + length, num_pixels)

    def _edges(self) -> Iterator[Tuple[int, slice, slice]]:
        """Yield a kind of edges and the pixels at their near and far ends, in parts, for small temporaries."""
        for edge, shift in enumerate(self.shifts):
            count = max(self.free.shape[1] - shift, 0)
            marks = [count * part // MAP_PARTS for part in range(MAP_PARTS + 1)]
            for start, stop in zip(marks, marks[1:]):
                yield edge, slice(start, stop), slice(start + shift, stop + shift)


def flat_edge_ends(values: Tensor, shift: int) -> Tuple[Tensor, Tensor]:
    """Return the two ends of all edges of one kind: the first ``N - shift`` of ``(..., N)`` values, and the last."""
    return values[..., : max(values.shape[-1] - shift, 0)], values[..., shift:]


def _total(costs: Tensor) -> Tensor:
    """Sum over the pixels, in fp64, so that it can be seen whether an energy rises."""
    return costs.sum(dim=1, dtype=torch.float64)
