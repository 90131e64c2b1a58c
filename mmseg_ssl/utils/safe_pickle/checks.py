"""Checks that all builders of values share."""

import math
import pickle
from typing import Any, Callable, NamedTuple, Optional

import torch

_MANY = 2**48  # far above any tensor, and low enough that products of sizes do not overflow


class Part(NamedTuple):
    """Meaning of a name on the allow-list; a pickle can call nothing else."""

    name: str
    call: Optional[Callable] = None  # by REDUCE
    new: Optional[Callable] = None  # by NEWOBJ


class StorageKind(NamedTuple):
    """A class of storages, such as ``torch.FloatStorage``, which defines the type of their elements."""

    dtype: torch.dtype


def require(condition: bool, what: str) -> None:
    """Raise ``pickle.UnpicklingError`` unless a condition holds."""
    if not condition:
        raise pickle.UnpicklingError(what)


def shown(value: Any) -> str:
    """Return a value as text for a message; objects from the file are not printed, which could take forever."""
    flat = value if type(value) is tuple else (value,)
    short = len(flat) <= 32 and all(type(one) is int and one.bit_length() < 200 for one in flat)
    return repr(value)[:200] if short or type(value) is str else f'a {type(value).__name__}'


def are_sizes(values: Any) -> bool:
    """Check if a value is a shape or strides."""
    return (
        isinstance(values, tuple)
        and len(values) <= 32
        and all(type(value) is int and value >= 0 for value in values)
        and math.prod(max(value, 1) for value in values) <= _MANY
    )


def check_key(key: Any, nested: bool = True) -> None:
    """Refuse keys that take forever to hash: forty nested pairs of one tuple have 2^40 parts."""
    if type(key) is tuple and nested:
        for part in key:
            check_key(part, nested=False)
    else:
        simple = (str, bytes, int, float, complex, bool, type(None), torch.dtype)
        require(type(key) in simple, f'a key of type {type(key).__name__}')
