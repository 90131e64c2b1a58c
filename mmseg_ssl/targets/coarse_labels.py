"""Start of soft self-labeling: labels of cells of pixels, solved for first, carry seeds far at little cost."""

from typing import Callable, NamedTuple, Optional

import torch
from torch import Tensor

from ..ops.affinity import Bandwidth, squared_bandwidth
from ..ops.potts_energy import PottsEnergy
from ..ops.precision import at_least_fp32
from ..structures import IGNORE_INDEX
from .labeling_problem import LabelingOptions, labeling_problem

SIDE = 4
"""Pixels along a cell: a step on cells goes four times as far for a sixteenth of the work."""

STEPS = 16
"""Steps of the solver on cells."""

SHARE = 0.95
"""Share of a cell's label in the label of its pixels; the rest is the prediction, so that no class is ruled out."""


def coarse_start(
    energy: PottsEnergy,
    labels: Tensor,
    images: Tensor,
    seeds: Tensor,
    valid: Optional[Tensor],
    solve: Callable[..., Tensor],
    potts_weight: float,
    options: LabelingOptions,
) -> Tensor:
    """Label cells, and start from these labels in the images whose energy this lowers.

    Args:
        energy: Of labels of pixels.
        labels: ``(B, C, H W)``, those to start from otherwise. Overwritten.
        images: ``(B, 3, H, W)`` RGB.
        seeds: ``(B, H, W)``, 255 where there is none.
        valid: ``(B, H, W)`` bool; all true if not given.
        solve: Solver of the cells' energy, :func:`~mmseg_ssl.ops.potts_solvers.multiplicative_updates` or like it.
        potts_weight: Weight of pairs of pixels.
        options: Of :func:`labeling_problem`.

    Returns:
        ``(B, C, H W)``, distributions on dim 1; what is not free stays.
    """
    valid = torch.ones_like(seeds, dtype=torch.bool) if valid is None else valid
    cells = make_cells(labels, images, seeds, valid)
    problem = labeling_problem(
        cells.probs.clamp(min=torch.finfo(labels.dtype).tiny).log(),
        cells.images,
        cells.seeds,
        valid=cells.valid,
        potts_weight=potts_weight / SIDE,  # SIDE edges cross a border, but SIDE^2 pixels lie in a cell
        **options,
    )
    # cells are so few that they need not be worked through in bands
    cell_labels = solve(problem[0]._replace(min_bands=1), problem[1], STEPS)
    del problem  # before memory is at its peak
    bandwidth, connectivity = options['bandwidth'], options['connectivity']
    return start_from_cells(energy, labels, cell_labels, cells, images, valid, bandwidth, connectivity)


class Cells(NamedTuple):
    """Images in cells of ``SIDE x SIDE`` pixels, numbered row by row; ``n = h w`` cells.

    They are counted from the first row and column that is image, so that padding, on whatever side, changes no cell.

    Attributes:
        probs: ``(B, C, h, w)``, mean of the labels that are started from.
        images: ``(B, 3, h, w)``, mean color.
        seeds: ``(B, h, w)`` int64, the class of most seeds in a cell, 255 without any.
        valid: ``(B, h, w)`` bool, whether any pixel of the cell is image.
        cell_of_pixel: ``(B, H W)`` int64, the cell of every pixel.
    """

    probs: Tensor
    images: Tensor
    seeds: Tensor
    valid: Tensor
    cell_of_pixel: Tensor


def make_cells(labels: Tensor, images: Tensor, seeds: Tensor, valid: Tensor) -> Cells:
    """Reduce a problem to cells; means are over the valid pixels of a cell.

    Args:
        labels: ``(B, C, H W)``, distributions on dim 1, one-hot on the seeds.
        images: ``(B, 3, H, W)`` RGB.
        seeds: ``(B, H, W)``, 255 where there is none.
        valid: ``(B, H, W)`` bool.

    Returns:
        The cells.
    """
    height, width = seeds.shape[1:]
    size = -(-height // SIDE), -(-width // SIDE)
    rows, columns = (_first_true(valid.any(dim=dim)) for dim in (2, 1))  # (B, 1)
    steps = [SIDE * torch.arange(count, device=seeds.device) for count in size]
    flat_images, flat_seeds, flat_valid = at_least_fp32(images).flatten(2), seeds.flatten(1), valid.flatten(1)
    count = labels.new_zeros(len(labels), size[0] * size[1])
    probs, colors = (count.new_zeros(len(count), depth, count.shape[1]) for depth in (labels.shape[1], 3))
    votes = torch.zeros_like(probs)
    for member in range(SIDE**2):  # the same pixel of all cells; in this order on any device
        row, column = rows + steps[0] + member // SIDE, columns + steps[1] + member % SIDE
        inside = ((row < height)[:, :, None] & (column < width)[:, None]).flatten(1)
        pixel = (row.clamp(max=height - 1)[:, :, None] * width + column.clamp(max=width - 1)[:, None]).flatten(1)
        inside = inside & flat_valid.gather(1, pixel)
        count += inside
        for sums, values in ((probs, labels), (colors, flat_images)):
            sums += _gather_pixels(values, pixel).where(inside.unsqueeze(1), 0)  # NaN in the padding stays there
        drawn = flat_seeds.gather(1, pixel)
        seeded = inside & (drawn != IGNORE_INDEX)
        votes.scatter_add_(1, drawn.where(seeded, 0).unsqueeze(1), seeded.unsqueeze(1).to(votes.dtype))
    most, named = votes.max(dim=1)
    means = (sums / count.clamp(min=1).unsqueeze(1) for sums in (probs, colors))
    probs, colors = (mean.unflatten(2, size) for mean in means)
    drawn, inside = (grid.unflatten(1, size) for grid in (named.where(most > 0, IGNORE_INDEX), count > 0))
    return Cells(probs, colors, drawn, inside, _cell_of_pixels(rows, columns, seeds))


def start_from_cells(
    energy: PottsEnergy,
    labels: Tensor,
    cell_labels: Tensor,
    cells: Cells,
    images: Tensor,
    valid: Tensor,
    bandwidth: Bandwidth,
    connectivity: int,
) -> Tensor:
    r"""Move labels toward those of their cells, in the images whose energy this lowers.

    A pixel takes the share :math:`0.95 \exp(-\|I_i - \bar I\|^2 / (2 \beta^2))`: nothing in a cell that lies across a
    border of colors.

    Args:
        energy: Of labels of pixels.
        labels: ``(B, C, H W)``, those of pixels. Overwritten.
        cell_labels: ``(B, C, h w)``, those of cells.
        cells: From :func:`make_cells`.
        images: ``(B, 3, H, W)`` RGB.
        valid: ``(B, H, W)`` bool.
        bandwidth: :math:`\beta`, as for :func:`~mmseg_ssl.ops.grid_affinity`.
        connectivity: For the adaptive bandwidth.

    Returns:
        ``(B, C, H W)``, distributions on dim 1; what is not free stays.
    """
    scale = -2 * squared_bandwidth(images, bandwidth, connectivity, valid)
    flat_images, flat_colors = images.flatten(2), cells.images.flatten(2)
    drawn = torch.empty_like(labels)
    for start, stop in energy.bands(labels):
        inside = (..., slice(start, stop))
        colors = _gather_pixels(flat_colors, cells.cell_of_pixel[inside])
        distance = (at_least_fp32(flat_images[inside]) - colors).square_().sum(dim=1, keepdim=True)
        # not a product: NaN in the padding stays there
        share = (distance / scale).exp_().mul_(SHARE).where(energy.free[inside].unsqueeze(1), 0).to(labels.dtype)
        torch.lerp(labels[inside], _gather_pixels(cell_labels, cells.cell_of_pixel[inside]), share, out=drawn[inside])
    lower = [energy.value(energy.products(those)) for those in (drawn, labels)]
    return labels.lerp_(drawn, (lower[0] < lower[1]).to(labels.dtype).view(-1, 1, 1))


def _cell_of_pixels(rows: Tensor, columns: Tensor, seeds: Tensor) -> Tensor:
    """Number the cell of every pixel (B, H W); any for pixels before the first cell."""
    height, width = seeds.shape[1:]
    row, column = (
        torch.div(torch.arange(length, device=seeds.device) - first, SIDE, rounding_mode='floor').clamp_(min=0)
        for first, length in ((rows, height), (columns, width))
    )
    return (row[:, :, None] * -(-width // SIDE) + column[:, None]).flatten(1)


def _first_true(inside: Tensor) -> Tensor:
    """Find the first true entry of every row (B, 1); 0 without any."""
    return inside.to(torch.uint8).argmax(dim=1, keepdim=True)


def _gather_pixels(values: Tensor, index: Tensor) -> Tensor:
    """Gather ``(B, D, n)`` values at ``(B, m)`` places: (B, D, m)."""
    return values.gather(2, index.unsqueeze(1).expand(-1, values.shape[1], -1))
