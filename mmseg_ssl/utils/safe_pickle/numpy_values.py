"""Builds NumPy's types, arrays and numbers from a pickle.

NumPy trusts a pickle: ``np.dtype('S').__setstate__`` takes any item size, and then reads that much of the heap. Here
every size is compared with the bytes in the file.
"""

import math
import re
import sys
from typing import Any

import numpy as np

from .checks import Part, are_sizes, require, shown

# numbers, booleans and text of a fixed width; no objects, no records, no foreign byte order
_DTYPE = re.compile(r'[<|=]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|[SU][1-9]\d{0,5})')


def build_dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """Build a NumPy type of numbers or text."""
    require(isinstance(code, str) and bool(_DTYPE.fullmatch(code)), f'the NumPy type {shown(code)} is not allowed')
    return np.dtype(code)


def check_dtype_state(dtype: np.dtype, state: Any) -> None:
    """Check that the state of a NumPy type is what NumPy itself writes; there is nothing to set."""
    right = dtype.__reduce__()[2]
    same = isinstance(state, tuple) and [(type(value), value) for value in state] == [(type(v), v) for v in right]
    require(same, f'the state of NumPy type {dtype} is not what NumPy writes for it on this machine')


def build_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """Build the empty array that :func:`set_array_state` fills later."""
    plain = isinstance(kind, Part) and kind.name == 'numpy.ndarray' and shape == (0,) and code in (b'b', 'b')
    require(plain, 'an array of another class than numpy.ndarray')
    return np.empty(0, np.int8)


def set_array_state(array: np.ndarray, state: Any) -> None:
    """Fill an array with exactly as many bytes as its shape and type need."""
    require(isinstance(state, tuple) and len(state) == 5, 'the state of an array has five parts')
    version, shape, dtype, fortran, content = state
    require(version == 1 and are_sizes(shape) and type(fortran) is bool, 'the state of an array')
    _check_content(dtype, content, math.prod(shape))
    array.__setstate__((1, shape, dtype, fortran, content))


def build_scalar(dtype: Any, content: Any) -> Any:
    """Build a NumPy number or text."""
    _check_content(dtype, content, 1)
    return np.frombuffer(content, dtype)[0]


def _check_content(dtype: Any, content: Any, count: int) -> None:
    require(isinstance(dtype, np.dtype) and type(content) is bytes, 'an array is a NumPy type and bytes')
    wanted = count * dtype.itemsize
    require(len(content) == wanted, f'an array of {count} {dtype} has {wanted} bytes, not {len(content)}')
    if dtype.kind == 'U' and content:
        require(np.frombuffer(content, np.uint32).max() <= sys.maxunicode, 'a character that Unicode does not have')
