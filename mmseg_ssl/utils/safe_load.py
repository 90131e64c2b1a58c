"""Reads checkpoints without running code from them.

A pickle is a program. The reader here runs none of it, on any version of torch: it builds the few types that
checkpoints hold (:mod:`safe_pickle`), and refuses a file that asks for anything else.
"""

import os
import pickle
from pathlib import Path
from typing import IO, Any, Optional, Union
from urllib.parse import urlparse

import torch
from torch.storage import UntypedStorage

from ..errors import UnsafeCheckpointError
from .checkpoint_files import Restore, read_checkpoint

File = Union[str, os.PathLike, IO[bytes]]


def load_weights_only(file: File, map_location: Any = None, weights_only: Optional[bool] = True) -> Any:
    """Load a checkpoint as ``torch.load(weights_only=True)``, also one that mmengine wrote.

    Args:
        file: A path or an open binary file.
        map_location: As for ``torch.load``.
        weights_only: ``True`` or ``None``; unsafe loading is not possible.

    Returns:
        The saved object: tensors, numbers, text, containers of them, NumPy arrays, ``HistoryBuffer``.

    Raises:
        UnsafeCheckpointError: The file asks for anything else, or is damaged. Nothing of it was run.
        OSError: There is no such file, or it cannot be read.
    """
    name = os.fspath(file) if isinstance(file, (str, os.PathLike)) else getattr(file, 'name', 'the open file')
    if weights_only is False:
        raise UnsafeCheckpointError(
            f'{name}: weights_only=False was asked for, which runs code from a checkpoint. Leave the argument out.'
        )
    try:
        if not isinstance(file, (str, os.PathLike)):
            return read_checkpoint(file, _restorer(map_location))
        with open(file, 'rb') as opened:
            return read_checkpoint(opened, _restorer(map_location))
    except pickle.UnpicklingError as error:
        raise UnsafeCheckpointError(_refusal(name, f'{error!s:.400}')) from error


def _refusal(name: str, reason: str) -> str:
    own = ''
    if hasattr(torch.serialization, 'add_safe_globals'):
        own = '; or, if you know the type is harmless, torch.serialization.add_safe_globals([TheType]) before loading'
    return (
        f'{name}: refused, and nothing of it was run. A checkpoint may hold tensors, numbers, text and '
        f'containers of them; this one does not: {reason}\n'
        'Fix: if it was truncated or damaged, copy it again. Otherwise get the file from a source that you trust, and '
        f"save only its weights where it was made, torch.save({{'state_dict': model.state_dict()}}, path){own}."
    )


def _restorer(map_location: Any) -> Restore:
    """Return the function that moves a storage to its location, by the rules of ``torch.load``."""
    default = torch.serialization.default_restore_location
    if map_location is None:
        return default
    if callable(map_location):

        def restore(storage: UntypedStorage, location: str) -> UntypedStorage:
            moved = map_location(storage, location)
            return default(storage, location) if moved is None else moved

        return restore
    if isinstance(map_location, dict):
        return lambda storage, location: default(storage, map_location.get(location, location))
    return lambda storage, location: default(storage, str(map_location))


def load_url(
    url: str,
    model_dir: Optional[str] = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: Optional[str] = None,
) -> Any:
    """Download as ``torch.hub.load_state_dict_from_url`` does (one cached file), and read weights only."""
    folder = Path(model_dir or Path(torch.hub.get_dir(), 'checkpoints'))
    path = folder / (file_name or Path(urlparse(url).path).name)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        digest = torch.hub.HASH_REGEX.search(path.name) if check_hash else None
        torch.hub.download_url_to_file(url, str(path), digest and digest.group(1), progress=progress)
    return load_weights_only(str(path), map_location)
