"""Selection of the checkpoint from which a run continues."""

import logging
import re
import zipfile
from pathlib import Path
from typing import Callable, List, Optional, Union

from mmengine.logging import print_log
from torch import nn

from ..errors import UserError
from ..utils.last_checkpoint import LAST_CHECKPOINT, named_by
from ..utils.safe_load import load_weights_only

NEEDED = ('meta', 'state_dict', 'message_hub', 'optimizer')


def is_complete(path: Union[str, Path]) -> bool:
    """Check if a checkpoint file is complete: a zip archive, as ``torch.save`` writes it, with correct checksums.

    Args:
        path: The file; ``False`` if there is none.
    """
    path = Path(path)
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError, OSError):
        return False


def misfit(path: Union[str, Path], model: nn.Module) -> str:
    """Return the reason why a run of a model cannot continue from a checkpoint file.

    Args:
        path: The file.
        model: The model, with any weights.

    Returns:
        The reason; empty if it can.
    """
    if not Path(path).is_file():
        return 'is gone'
    if not is_complete(path):
        return 'is truncated or damaged'
    try:
        checkpoint = load_weights_only(str(path), map_location='cpu')
    except Exception as error:  # a file may hold anything, and the next one may be good
        return f'cannot be read ({str(error).splitlines()[0]})'
    if not isinstance(checkpoint, dict) or any(not isinstance(checkpoint.get(key), dict) for key in NEEDED):
        return f'is not a checkpoint of a training run, which holds {", ".join(NEEDED)}'
    saved = {
        name[7:] if name.startswith('module.') else name: value for name, value in checkpoint['state_dict'].items()
    }
    for name, parameter in model.named_parameters():
        if name not in saved:
            return f'is of another model: it has no {name}'
        if tuple(saved[name].shape) != tuple(parameter.shape):
            return f'is of another model: {name} is {tuple(saved[name].shape)} there, {tuple(parameter.shape)} here'
    return ''


def find_resumable(work_dir: Union[str, Path], why_not: Optional[Callable[[Path], str]] = None) -> Optional[Path]:
    """Find the checkpoint from which ``--resume`` continues.

    It is the one that ``last_checkpoint`` names if it is usable, else the newest usable ``iter_*.pth`` or
    ``epoch_*.pth``. Each skipped file is logged with the reason. ``best_*.pth`` are never taken: they have no optimizer
    state.

    Args:
        work_dir: The run's folder.
        why_not: Returns the reason why a file is not usable, or ``''``; by default only incomplete files are not. See
            :func:`misfit`.

    Returns:
        The checkpoint, or ``None`` if the folder has none.

    Raises:
        UserError: It has some, and none is usable: a run from iteration 0 would overwrite them.
    """
    work_dir = Path(work_dir)
    refused = {}
    for path in _noted(work_dir / LAST_CHECKPOINT) + numbered_checkpoints(work_dir):
        reason = why_not(path) if why_not else '' if is_complete(path) else 'is gone, truncated or damaged'
        if not reason:
            print_log(f'Resuming from {path}.', 'current')
            return path
        print_log(f'{path} {reason}; looking for an older checkpoint.', 'current', logging.WARNING)
        refused[path] = reason
    if refused:
        raise UserError(
            f'{work_dir} has checkpoints, and from none of them this run can continue:\n'
            + '\n'.join(f'  {path.name} {reason}' for path, reason in refused.items())
            + '\nIt does not start at iteration 0, which would overwrite them. Give it another --work-dir, take the '
            'config that they are of, or leave out --resume.'
        )
    print_log(
        f'No checkpoint (iter_*.pth) to resume in {work_dir}: the run starts at iteration 0.',
        'current',
        logging.WARNING,
    )
    return None


def _noted(note: Path) -> List[Path]:
    """List the checkpoint that ``last_checkpoint`` names, or log that it names none."""
    path = named_by(note)
    if path is None and note.exists():
        print_log(f'{note} names no file that is there; looking for one.', 'current', logging.WARNING)
    return [path] if path else []


def numbered_checkpoints(work_dir: Path) -> List[Path]:
    """List the regular checkpoints of a folder, newest first."""
    pattern = r'(?:iter|epoch)_(\d+)(?:_iter_(\d+))?\.pth'
    names = {path: re.fullmatch(pattern, path.name) for path in work_dir.glob('*.pth')}
    numbers = {path: [int(part or 0) for part in name.groups()] for path, name in names.items() if name}
    return sorted(numbers, key=lambda path: numbers[path], reverse=True)
