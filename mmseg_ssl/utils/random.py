"""Random choices as functions of numbers.

Every random choice for a sample is a function of ``(seed, draw number)``, so the stream does not depend on the number
of workers, and a resumed run continues as if it had never stopped.
"""

import hashlib
import random
from contextlib import contextmanager
from typing import Iterator

import numpy as np
import torch


def fold(seed: int, *numbers: int) -> int:
    """Mix a seed with numbers into a new seed; the result is the same on all machines and Python versions.

    Args:
        seed: The run's seed.
        *numbers: Numbers that identify the choice, e.g. a stream and a pass.

    Returns:
        An integer in ``[0, 2**63)``.

    Example:
        >>> fold(0, 1) == fold(0, 1), fold(0, 1) == fold(1, 0)
        (True, False)
    """
    text = ','.join(str(int(number)) for number in (seed, *numbers))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, 'big') >> 1


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block with Python's, NumPy's and torch's CPU generators seeded, and restore their states afterwards.

    Args:
        seed: Any integer that :func:`fold` returns.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.random.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
