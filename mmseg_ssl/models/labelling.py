"""How a network that is being trained makes labels."""

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import nn

TEACHER_MODES = ('train', 'eval')


@contextmanager
def labelling(network: nn.Module, mode: str = 'eval') -> Iterator[None]:
    """Let a network predict without a gradient and in a mode of its own; both are put back afterwards.

    Args:
        network: A branch, or a judge of one.
        mode: ``'eval'``, or ``'train'`` as some public code does: BatchNorm by the batch (its running statistics
            follow), and dropout.

    Raises:
        ValueError: If the mode is unknown.

    Example:
        >>> with labelling(self.student):
        ...     logits = self.student(inputs['weak']).logits
    """
    if mode not in TEACHER_MODES:
        raise ValueError(f'teacher_mode must be one of {TEACHER_MODES}, got {mode!r}.')
    training = network.training
    network.train(mode == 'train')
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)
