"""Content of checkpoints that the reader of this package, which runs no code, can read."""

import os
import pickle
from typing import Any, Dict

from ..errors import UnsafeCheckpointError, UserError
from ..utils.safe_load import load_weights_only


def make_plain(checkpoint: Dict[str, Any]) -> None:
    """Take out of a checkpoint of mmengine's runner what cannot be read, and is not needed.

    Functions in the state of schedules go (``OneCycleLR`` has one): a built scheduler has its own. ``dataset_meta``
    becomes what :func:`plain` makes of it.

    Args:
        checkpoint: Its content, before it is written; changed in place.
    """
    schedules = checkpoint.get('param_schedulers')
    if isinstance(schedules, dict):  # of several optimizers
        checkpoint['param_schedulers'] = {name: _without_functions(states) for name, states in schedules.items()}
    elif schedules is not None:
        checkpoint['param_schedulers'] = _without_functions(schedules)
    # mmengine keeps it twice
    for holder in (checkpoint.get('meta', {}), checkpoint.get('message_hub', {}).get('runtime_info', {})):
        if 'dataset_meta' in holder:
            holder['dataset_meta'] = plain(holder['dataset_meta'])


def keep_own_meta(checkpoint: Dict[str, Any], dataset: Any) -> None:
    """Give a checkpoint that is resumed the dataset's own metainfo where it was saved as plain values.

    mmengine compares the two as pickles, and would warn of a difference in the types alone.

    Args:
        checkpoint: The loaded checkpoint, changed in place.
        dataset: The training set.
    """
    own, meta = getattr(dataset, 'metainfo', None), checkpoint.get('meta', {})
    if 'dataset_meta' in meta and pickle.dumps(plain(own)) == pickle.dumps(meta['dataset_meta']):
        meta['dataset_meta'] = own


def plain(value: Any) -> Any:
    """Return nested containers as Python's own ones, a ``range`` as a list and paths as text; other values as they are.

    Args:
        value: E.g. a dataset's ``metainfo``, in which a config leaves its own kind of dict.
    """
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, range)):
        return [plain(part) for part in value]
    if isinstance(value, tuple):
        return tuple(plain(part) for part in value)
    if isinstance(value, (set, frozenset)):
        return set(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def require_readable(path: str) -> None:
    """Read a checkpoint back that a run has just written.

    Args:
        path: The file.

    Raises:
        UserError: It holds what is never read, so no run could continue from it.
    """
    try:
        load_weights_only(path, map_location='cpu')
    except UnsafeCheckpointError as error:
        reason = str(error).split('this one does not: ')[-1].splitlines()[0]
        raise UserError(
            f'{path}, the first checkpoint of this run, cannot be read again: {reason}. So the run stops here, rather '
            'than lose its work later. A schedule, a hook or the dataset put that into its state: let it keep numbers, '
            'text, tensors and containers of them alone, or leave it out of the config.'
        ) from error


def _without_functions(states: list) -> list:
    return [{name: value for name, value in state.items() if not callable(value)} for state in states]
