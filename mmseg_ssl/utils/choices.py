"""Options that are one of a few values."""

from typing import Any, Sequence


def one_of(choices: Sequence[Any], **option: Any) -> Any:
    """Check an option against its choices.

    Args:
        choices: What it may be.
        **option: The option by its name.

    Returns:
        Its value.

    Raises:
        ValueError: If it is something else; the message names the option, the value and the choices.

    Example:
        >>> one_of(('train', 'eval'), teacher_mode='eval')
        'eval'
    """
    ((name, value),) = option.items()
    if value not in choices:
        raise ValueError(f'{name} must be one of {tuple(choices)}, got {value!r}.')
    return value
