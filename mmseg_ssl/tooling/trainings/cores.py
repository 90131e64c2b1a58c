"""Assignment of processes to cores."""

import os
from contextlib import contextmanager
from typing import Iterator, List, Sequence


def share_cores(processes: int) -> List[List[int]]:
    """Distribute the cores that this process may use.

    Args:
        processes: Number of processes.

    Returns:
        Core numbers per process, equally many for each; with more processes than cores, several share one. Empty lists
        where the system cannot pin processes (macOS, Windows).
    """
    if not hasattr(os, 'sched_getaffinity'):
        return [[] for _ in range(processes)]
    cores = sorted(os.sched_getaffinity(0))
    each = max(len(cores) // processes, 1)
    return [[cores[(number * each + i) % len(cores)] for i in range(each)] for number in range(processes)]


@contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Pin this process, and the processes that it starts in the block, to some cores.

    Args:
        cores: Core numbers; an empty list changes nothing.
    """
    if not cores:
        yield
        return
    former = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, former)
