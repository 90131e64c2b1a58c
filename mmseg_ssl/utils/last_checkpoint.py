"""The file ``last_checkpoint`` that a run leaves beside its checkpoints."""

import shlex
from pathlib import Path
from typing import Optional

from ..errors import UserError
from .safe_load import load_weights_only

LAST_CHECKPOINT = 'last_checkpoint'


def named_by(note: Path) -> Optional[Path]:
    """Return the checkpoint that ``last_checkpoint`` names, or ``None`` if there is no such file.

    A file of this name in the same folder takes precedence, because the folder may have been moved or copied.

    Args:
        note: The file ``last_checkpoint``.
    """
    try:
        text = note.read_text().strip()
        paths = [path for path in (note.parent / Path(text).name, Path(text)) if path.is_file()]
    except (OSError, ValueError):  # missing, not readable, not text, or not a possible path
        return None
    return paths[0] if paths else None


def end_of_run(note: Path) -> Path:
    """Return the last checkpoint of a run that has ended.

    Args:
        note: The run's file ``last_checkpoint``.

    Raises:
        UserError: It names no existing file, or the run stopped before its last iteration.
    """
    path = named_by(note)
    if path is None:
        raise UserError(f'{note} names no checkpoint that is there. Name one: --cfg-options load_from=<file>.')
    checkpoint = load_weights_only(str(path), map_location='cpu')
    done = checkpoint.get('meta', {}).get('iter')
    length = checkpoint.get('message_hub', {}).get('runtime_info', {}).get('max_iters', done)
    if done != length:
        raise UserError(
            f'{note.parent} is a run that stopped after iteration {done} of {length}. Let it end '
            f'(tools/train.py ... --resume), or take it as it is: --cfg-options load_from={shlex.quote(str(path))}'
        )
    return path
