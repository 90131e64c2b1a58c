"""Multiplicative updates on a GPU: two launches per step for any size, and no map of products is kept."""

import math
from types import ModuleType
from typing import Optional

import torch
from torch import Tensor

from .potts_energy import PottsEnergy
from .potts_solvers import DAMPING, STEPS

MISSING = (
    "solver='fused' needs Triton, which is not installed. Run: pip install triton, or take solver='multiplicative'."
)

TILE = 2048
"""Classes times pixels of a program's tile: with 8 warps no register is spilled."""

WARPS = 8

MIN_TILE_PIXELS = 8
"""Fewest pixels of a tile, those of one memory access."""

PARTS = 256
"""Programs that sum the energy of an image, a power of 2; every program of the next step adds up their sums."""


def fused_updates(energy: PottsEnergy, labels: Tensor, steps: Optional[int] = None, tolerance: float = 0.0) -> Tensor:
    r"""The steps of :func:`~mmseg_ssl.ops.potts_solvers.multiplicative_updates` in Triton, up to rounding.

    Checked against these in Triton's interpreter and compiled for GPUs, but never run on one: speed not measured.

    A step is one launch of ``step_kernel``: forces, damping, multiplication, momentum and normalization pixel by pixel.
    ``energy_kernel`` follows. It cannot be part of the step: whether an image accepts its new labels is known only when
    all its pixels have moved, and programs of a launch cannot wait for each other. (A step that goes on before it knows
    needs another tensor of labels to fall back on: more than 4 of the size of the logits in total.) The next launch
    decides by the sums of energies: refused labels are simply overwritten, nothing is copied, and the host never waits
    for the device.

    Args:
        energy: What to minimize.
        labels: ``(B, C, N)``, where to start, and the labels that are to stay where pixels are not free. Overwritten.
        steps: Number of steps, :data:`~mmseg_ssl.ops.potts_solvers.STEPS` of the unary if not given.
        tolerance: An image stops when a step lowers its energy by less than this share; 0: never. Its programs then
            return at once.

    Returns:
        Labels ``(B, C, N)``, distributions on dim 1.

    Raises:
        ModuleNotFoundError: If Triton is not installed.
        ValueError: If the labels are not on a GPU and Triton's interpreter is off.
    """
    kernels = require_kernels()
    if not (labels.is_cuda or kernels.INTERPRETED):
        raise ValueError(
            f"The fused solver runs on a GPU, but the labels are on {labels.device}. Take solver='multiplicative', or "
            'set TRITON_INTERPRET=1 before Triton is imported, to check it slowly.'
        )
    (images, classes, pixels), edges = labels.shape, len(energy.shifts)
    # Triton's tiles are powers of 2; lanes beyond the classes are masked
    tile = kernels.next_power_of_2(classes)
    block = max(TILE // tile, MIN_TILE_PIXELS)
    blocks = -(-pixels // block)
    # two tensors in turn: a step overwrites the labels before the last accepted ones
    first, second = labels.contiguous(), labels.clone(memory_format=torch.contiguous_format)
    energies = labels.new_empty(images, min(PARTS, kernels.next_power_of_2(blocks)), dtype=torch.float64)
    given = energy.prediction.contiguous(), energy.free.contiguous().view(torch.uint8), energy.affinity.contiguous()
    arguments = (first, second, *given, energies, images, classes, pixels, energy.shifts)
    options = dict(RELAXATION=energy.relaxation, UNARY=energy.unary, ETA=energy.eta, EDGES=edges)
    options.update(PARTS=energies.shape[1], CLASSES=tile, PIXELS=block, num_warps=WARPS)
    damping = DAMPING.get(energy.relaxation, 0.25)
    state = start_state(images, labels.device)
    next_state = torch.empty_like(state)
    # Triton launches on the current device, which may be another GPU
    with torch.cuda.device_of(labels):
        kernels.energy_kernel[energies.shape[1], images](*arguments, state, **options)
        for _ in range(STEPS[energy.unary] if steps is None else steps):
            kernels.step_kernel[blocks, images](
                *arguments, state, next_state, DAMPING=damping, TOLERANCE=tolerance, **options
            )
            state, next_state = next_state, state
            kernels.energy_kernel[energies.shape[1], images](*arguments, state, **options)
    return pick(first, second, state, energies)


def start_state(images: int, device: torch.device) -> Tensor:
    """Return the state in which the start, in the first tensor, counts as proposed: it will be accepted.

    Returns:
        ``(5, B)`` fp64, its rows those of :data:`~mmseg_ssl.ops.fused_kernels.STATE`.
    """
    state = torch.ones(5, images, dtype=torch.float64, device=device)
    state[0] = math.inf
    state[2] = -1
    return state


def pick(first: Tensor, second: Tensor, state: Tensor, energies: Tensor) -> Tensor:
    """Decide about the labels proposed last, and return those that every image accepted."""
    best, _, _, turned, active = state
    better = (energies.sum(dim=1) <= best) & (active > 0)
    turned = turned.where(~better, 1 - turned)
    return first.lerp_(second, turned.to(first.dtype).view(-1, 1, 1))  # exact with weights 0 and 1


def require_kernels() -> ModuleType:
    """Import Triton when it is needed: CUDA builds of torch on Linux bring it along, others do not.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    try:
        from . import fused_kernels
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING) from error
    return fused_kernels
