"""What the machine has to train on."""

import os
from typing import NamedTuple, Optional

import torch

from ...utils.packages import is_installed


class Machine(NamedTuple):
    """The accelerator, memory and cores.

    Attributes:
        gpu: Name of the GPU; empty on a CPU.
        memory: Bytes that a training may take: those that are free on the GPU, half of the computer's; None if unknown.
        cores: Number of cores.
        has_dinov2: True if the package of DINOv2's network is installed.
    """

    gpu: str
    memory: Optional[int]
    cores: int
    has_dinov2: bool


def this_machine() -> Machine:
    """Look at this machine; networks are chosen for a CUDA device or for a CPU."""
    cores, has_dinov2 = os.cpu_count() or 1, is_installed('mmpretrain')
    if torch.cuda.is_available():
        return Machine(torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0], cores, has_dinov2)
    try:
        memory: Optional[int] = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2
    except (AttributeError, OSError, ValueError):  # not on Windows
        memory = None
    return Machine('', memory, cores, has_dinov2)
