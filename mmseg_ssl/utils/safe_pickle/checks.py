"""What every builder of a value checks by."""

import math
import pickle
from typing import Any, Callable, NamedTuple, Optional

import torch

_MANY = 2**48  # far above any tensor, and products of sizes below it do not overflow


class Part(NamedTuple):
    """What a name on the allow-list stands for: the only things that a pickle can call."""

    name: str
    call: Optional[Callable] = None  # by REDUCE
    new: Optional[Callable] = None  # by NEWOBJ


class StorageKind(NamedTuple):
    """A class of storages, such as ``torch.FloatStorage``, which says how bytes are read."""

    dtype: torch.dtype


def require(condition: bool, what: str) -> None:
    """Refuse unless a condition holds."""
    if not condition:
        raise pickle.UnpicklingError(what)


def shown(value: Any) -> str:
    """A value for a message: of the file's own objects none is printed, which may take for ever."""
    flat = value if type(value) is tuple else (value,)
    short = len(flat) <= 32 and all(type(one) is int and one.bit_length() < 200 for one in flat)
    return repr(value)[:200] if short or type(value) is str else f'a {type(value).__name__}'


def are_sizes(values: Any) -> bool:
    """Whether something is a shape or strides."""
    return (
        isinstance(values, tuple)
        and len(values) <= 32
        and all(type(value) is int and value >= 0 for value in values)
        and math.prod(max(value, 1) for value in values) <= _MANY
    )


def check_key(key: Any, nested: bool = True) -> None:
    """Refuse keys that take forever to hash: a tuple of itself twice, forty times over, has 2^40 parts."""
    if type(key) is tuple and nested:
        for part in key:
            check_key(part, nested=False)
    else:
        simple = (str, bytes, int, float, complex, bool, type(None), torch.dtype)
        require(type(key) in simple, f'a key of type {type(key).__name__}')
