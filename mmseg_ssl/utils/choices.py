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
