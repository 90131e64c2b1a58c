"""Checks of options: one of a few values, or a number that is possible."""

import math
from typing import Any, Sequence


def one_of(choices: Sequence[Any], **option: Any) -> Any:
    """Check an option against its choices.

    Args:
        choices: Allowed values.
        **option: The option, as ``name=value``.

    Returns:
        Its value.

    Raises:
        ValueError: If the value is not allowed; the message names the option, the value and the choices.

    Example:
        >>> one_of(('train', 'eval'), teacher_mode='eval')
        'eval'
    """
    ((name, value),) = option.items()
    if value not in choices:
        raise ValueError(f'{name} must be one of {tuple(choices)}, got {value!r}.')
    return value


def probability(**option: float) -> float:
    """Check a confidence, or how often something is done.

    Args:
        **option: The option, as ``name=value``.

    Returns:
        Its value.

    Raises:
        ValueError: If it is not in ``[0, 1]``; the message names the option.

    Example:
        >>> probability(threshold=0.95)
        0.95
    """
    ((name, value),) = option.items()
    if not 0 <= value <= 1:
        raise ValueError(f'{name} is a probability in [0, 1], got {value}.')
    return value


def share_of_new(owner: str, momentum: float) -> float:
    """Check a momentum, the share of new values in an average, as in mmengine; most papers give the decay instead.

    Args:
        owner: Whose it is.
        momentum: In ``(0, 1]``.

    Returns:
        The momentum.

    Raises:
        ValueError: If it is not possible, or looks like a decay: at least 0.9, but 1, which keeps nothing old.
    """
    if not 0 < momentum <= 1:
        raise ValueError(
            f'{owner}: momentum is the share of new values, in (0, 1], got {momentum}. For a decay of 0.999 give '
            'momentum=0.001.'
        )
    if 0.9 <= momentum < 1:
        raise ValueError(
            f'{owner}: momentum={momentum} is the share of NEW values: hardly anything old would be left. For a decay '
            f'of {momentum} give momentum={1 - momentum:.4g}; 1 keeps nothing.'
        )
    return momentum


def not_negative(**option: float) -> float:
    """Check a weight: below 0, a loss would be made larger.

    Args:
        **option: The option, as ``name=value``.

    Returns:
        Its value.

    Raises:
        ValueError: If it is negative or not finite; the message names the option.

    Example:
        >>> not_negative(unsup_weight=1.5)
        1.5
    """
    ((name, value),) = option.items()
    if not 0 <= value < math.inf:
        raise ValueError(f'{name} is a finite number >= 0, got {value}.')
    return value
