"""How labels are made by a network that is being trained, and from its probabilities."""

import inspect
from contextlib import contextmanager
from functools import partial
from typing import Callable, Iterator

import torch
from torch import Tensor, nn

from .. import targets
from ..structures import PixelTarget
from ..utils.choices import one_of

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
    one_of(TEACHER_MODES, teacher_mode=mode)
    training = network.training
    network.train(mode == 'train')
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)


def target_function(config: dict) -> Callable[[Tensor], PixelTarget]:
    """A pure function of the probabilities, from its name and options.

    Args:
        config: ``type``, the name of a function in :mod:`mmseg_ssl.targets`, and its options beside ``probs``.

    Returns:
        The function of ``(B, C, H, W)`` probabilities.

    Raises:
        ValueError: If there is no such function, or it does not take these options alone.

    Example:
        >>> target_function(dict(type='confident', threshold=0.95))(probs)
    """
    options = dict(config)
    name = options.pop('type', None)
    one_of(targets.__all__, **{'target.type, a function of mmseg_ssl.targets,': name})
    function = getattr(targets, name)
    try:
        inspect.signature(function).bind(None, **options)
    except TypeError as error:
        raise ValueError(
            f'target: {name}{inspect.signature(function)} cannot be called with the probabilities and {options}: '
            f'{error}.'
        ) from error
    return partial(function, **options)
