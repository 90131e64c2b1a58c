"""Which checkpoint a run goes on from."""

import logging
import re
import zipfile
from pathlib import Path
from typing import Callable, List, Optional, Union

from mmengine.logging import print_log
from torch import nn

from ..utils.last_checkpoint import NOTE, named_by
from ..utils.safe_load import load_weights_only

NEEDED = ('meta', 'state_dict', 'message_hub', 'optimizer')


def is_complete(path: Union[str, Path]) -> bool:
    """Say whether a checkpoint file is whole: a zip archive (as ``torch.save`` writes) whose records have their
    checksums.

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
    """Say why a run of a model cannot go on from a checkpoint file.

    Args:
        path: The file.
        model: The model, with any weights.

    Returns:
        The reason; empty if it can.
    """
    if not Path(path).is_file():
        return 'is gone'
    if not is_complete(path):
        return 'is cut short or damaged'
    try:
        checkpoint = load_weights_only(str(path), map_location='cpu')
    except Exception as error:  # any content may stand in a file, and the next one may be good
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
    """Find the checkpoint that ``--resume`` goes on from.

    It is the one that ``last_checkpoint`` names if it will do, else the newest ``iter_*.pth`` or ``epoch_*.pth`` that
    will. Each file that is passed over is logged with the reason. ``best_*.pth`` are never taken: they hold no
    optimizer.

    Args:
        work_dir: The run's folder.
        why_not: Says why a file will not do, or ``''``; by default only whether it is whole. See :func:`misfit`.

    Returns:
        The checkpoint, or ``None`` if the folder has none.
    """
    work_dir = Path(work_dir)
    for path in _noted(work_dir / NOTE) + _numbered(work_dir):
        reason = why_not(path) if why_not else '' if is_complete(path) else 'is gone, cut short or damaged'
        if not reason:
            print_log(f'Resuming from {path}.', 'current')
            return path
        print_log(f'{path} {reason}; looking for an older checkpoint.', 'current', logging.WARNING)
    print_log(
        f'No checkpoint (iter_*.pth) to resume in {work_dir}: the run starts at iteration 0.',
        'current',
        logging.WARNING,
    )
    return None


def _noted(note: Path) -> List[Path]:
    """List the checkpoint that ``last_checkpoint`` names, or say that it names none."""
    path = named_by(note)
    if path is None and note.exists():
        print_log(f'{note} names no file that is there; looking for one.', 'current', logging.WARNING)
    return [path] if path else []


def _numbered(work_dir: Path) -> List[Path]:
    """List the regular checkpoints of a folder, the newest first."""
    pattern = r'(?:iter|epoch)_(\d+)(?:_iter_(\d+))?\.pth'
    names = {path: re.fullmatch(pattern, path.name) for path in work_dir.glob('*.pth')}
    numbers = {path: [int(part or 0) for part in name.groups()] for path, name in names.items() if name}
    return sorted(numbers, key=lambda path: numbers[path], reverse=True)
