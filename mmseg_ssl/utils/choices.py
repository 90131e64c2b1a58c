"""Check of options that must be one of a few values."""

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
