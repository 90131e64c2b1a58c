"""Mode of a network while it makes labels between training calls."""

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import nn

from ..utils.choices import one_of

TEACHER_MODES = ('train', 'eval')


@contextmanager
def labeling_mode(network: nn.Module, mode: str = 'eval') -> Iterator[None]:
    """Let a network predict without a gradient and in a given mode; both are restored afterwards.

    Args:
        network: A branch, or a judge of predictions.
        mode: ``'eval'``, or ``'train'`` as some public code does: BatchNorm by the batch (its running statistics
            follow), and dropout.

    Raises:
        ValueError: If the mode is unknown.

    Example:
        >>> with labeling_mode(self.student):
        ...     logits = self.student(inputs['weak']).logits
    """
    one_of(TEACHER_MODES, teacher_mode=mode)
    training = network.training
    network.train(mode == 'train')
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)
