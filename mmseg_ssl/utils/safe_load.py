"""Reading checkpoints without running what is in them.

A pickle is a program. ``torch.load(weights_only=True)`` runs only an allow-list of it; mmengine's own checkpoints need
a few harmless types more (log histories and NumPy numbers), which are listed here and nowhere else.
"""

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, Callable, Dict, Optional, Union
from urllib.parse import urlparse

import numpy as np
import torch
from torch import _weights_only_unpickler

File = Union[str, os.PathLike, IO[bytes]]

# torch 2.6 is the first whose allow-list takes a type under another name (NumPy 1 and 2 name theirs differently).
_TAKES_NAMES = tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 6)


class UnsafeCheckpointError(RuntimeError):
    """A checkpoint asks for something that is not on the allow-list; nothing of it was run."""


def _statistics_method(owner: type, name: str) -> str:
    """Stand in for ``getattr``, which plain mmengine checkpoints call to name ``HistoryBuffer.mean`` and its like.

    The real ``getattr`` would reach any attribute of any allowed object. The name is enough: the mended
    ``HistoryBuffer`` ignores the methods that a checkpoint brings.
    """
    if getattr(owner, '__name__', None) != 'HistoryBuffer' or not isinstance(name, str):
        raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) is not allowed in a checkpoint')
    return name


def allowed_types() -> Dict[str, Any]:
    """Say what a checkpoint may hold beside torch's own types.

    Returns:
        The pickled name of each type or function -> what is used for it. None of them runs code of the checkpoint.
    """
    from mmengine.logging.history_buffer import HistoryBuffer

    array = np.zeros(0)
    rebuild_array, rebuild_scalar = array.__reduce__()[0], np.float64(0).__reduce__()[0]
    allowed = {
        'mmengine.logging.history_buffer.HistoryBuffer': HistoryBuffer,
        'builtins.getattr': _statistics_method,
        'builtins.slice': slice,
        'builtins.bytes': bytes,  # the content of an empty array
        'numpy.ndarray': np.ndarray,
        'numpy.dtype': np.dtype,
    }
    for core in ('numpy.core', 'numpy._core'):  # NumPy 1, NumPy 2
        allowed[f'{core}.multiarray._reconstruct'] = rebuild_array
        allowed[f'{core}.multiarray.scalar'] = rebuild_scalar
    for code in '?bBhHiIlLqQefdgFDGSU':  # numbers and text; no objects
        kind = type(np.dtype(code))
        allowed[f'numpy.dtypes.{kind.__name__}'] = kind
    return allowed


class _AllowListUnpickler(pickle._Unpickler):
    """What ``weights_only=True`` is, for torch before 2.6: its own reader cannot be given HistoryBuffer there."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        module = 'builtins' if module == '__builtin__' else module  # as protocol 2, which torch uses, names it
        full_name = f'{module}.{name}'
        allowed = {**_weights_only_unpickler._get_allowed_globals(), **allowed_types()}
        if full_name not in allowed:
            raise pickle.UnpicklingError(f'Unsupported global: {full_name} is not on the allow-list')
        return allowed[full_name]

    def load_build(self) -> None:
        kind = type(self.stack[-2])
        allowed = (*allowed_types().values(), OrderedDict, torch.Tensor, torch.nn.Parameter)
        # A class or a function has no state in an honest checkpoint; setting attributes on one would be an attack.
        if kind not in allowed:
            raise pickle.UnpicklingError(f'state for {kind.__name__} is not allowed in a checkpoint')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


class _AllowListPickle:
    """The part of the ``pickle`` module that ``torch.load(pickle_module=...)`` uses."""

    Unpickler = _AllowListUnpickler
    UnpicklingError = pickle.UnpicklingError

    @staticmethod
    def load(file: IO[bytes], **kwargs: Any) -> Any:
        return _AllowListUnpickler(file, **kwargs).load()


def _read_by_torch(file: File, map_location: Any) -> Any:
    allow_list = [(kind, name) for name, kind in allowed_types().items()]
    with torch.serialization.safe_globals(allow_list):
        return torch.load(file, map_location=map_location, weights_only=True)


def _read_by_allow_list(file: File, map_location: Any) -> Any:
    # Not a way around the flag: the unpickler that torch is handed reaches nothing but the allow-list.
    return torch.load(file, map_location=map_location, pickle_module=_AllowListPickle, weights_only=False)


_read: Callable[[File, Any], Any] = _read_by_torch if _TAKES_NAMES else _read_by_allow_list


def load_weights_only(file: File, map_location: Any = None, weights_only: Optional[bool] = True) -> Any:
    """Load a checkpoint as ``torch.load(weights_only=True)``, also one that mmengine wrote.

    Args:
        file: A path or an open binary file.
        map_location: As for ``torch.load``.
        weights_only: ``True`` or ``None``; there is no unsafe loading.

    Returns:
        What was saved: tensors, numbers, text, containers of them, NumPy arrays, ``HistoryBuffer``.

    Raises:
        UnsafeCheckpointError: The file asks for anything else. Nothing of it was run.
    """
    name = getattr(file, 'name', 'the open file') if hasattr(file, 'read') else os.fspath(file)
    if weights_only is False:
        raise UnsafeCheckpointError(
            f'{name}: weights_only=False was asked for, which runs code that a checkpoint '
            'brings. Leave the argument out.'
        )
    try:
        return _read(file, map_location)
    except pickle.UnpicklingError as error:
        # torch wraps its finding in advice that ends at weights_only=False; the finding itself is underneath.
        reason = str(error.__context__ or error).split(' Please use')[0]
        raise UnsafeCheckpointError(
            f'{name}: refused, and nothing of it was run. A checkpoint may hold tensors, numbers, text and '
            f'containers of them; this one does not read as such: {reason}\n'
            'Fix: get the file from a source that you trust and save only its weights where it was made, '
            "torch.save({'state_dict': model.state_dict()}, path); or, if you know the type to be harmless, "
            'torch.serialization.add_safe_globals([TheType]) before loading.'
        ) from error


def load_url(url: str, model_dir=None, map_location=None, progress=True, check_hash=False, file_name=None) -> Any:
    """Download as ``torch.hub.load_state_dict_from_url`` does (one cached file), and read weights only."""
    folder = Path(model_dir or Path(torch.hub.get_dir(), 'checkpoints'))
    path = folder / (file_name or Path(urlparse(url).path).name)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        digest = torch.hub.HASH_REGEX.search(path.name) if check_hash else None
        torch.hub.download_url_to_file(url, str(path), digest and digest.group(1), progress=progress)
    return load_weights_only(str(path), map_location)
