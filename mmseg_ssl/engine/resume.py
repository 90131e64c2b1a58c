"""Which checkpoint a run goes on from."""

import logging
import re
import zipfile
from pathlib import Path
from typing import List, Optional, Union

from mmengine.logging import print_log


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


def find_resumable(work_dir: Union[str, Path]) -> Optional[Path]:
    """Find the checkpoint that ``--resume`` goes on from.

    It is the one that ``last_checkpoint`` names if that file is whole, else the newest whole ``iter_*.pth`` or
    ``epoch_*.pth``. Each file that is passed over is logged with the reason. ``best_*.pth`` are never taken: they
    hold no optimizer.

    Args:
        work_dir: The run's folder.

    Returns:
        The checkpoint, or ``None`` if the folder has no whole one.
    """
    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    candidates = []
    if note.is_file() and note.read_text().strip():
        candidates.append(_named_by(note))
    candidates += _numbered(work_dir)
    for path in candidates:
        if is_complete(path):
            print_log(f'Resuming from {path}.', 'current')
            return path
        state = 'cut short or damaged' if path.is_file() else 'gone'
        print_log(f'{path} is {state}; looking for an older checkpoint.', 'current', logging.WARNING)
    print_log(
        f'No whole checkpoint (iter_*.pth) in {work_dir}: nothing to resume, the run starts at iteration 0.',
        'current',
        logging.WARNING,
    )
    return None


def _named_by(note: Path) -> Path:
    """Read the path in ``last_checkpoint``; the file beside the note if the run's folder was moved or copied."""
    path = Path(note.read_text().strip())
    beside = note.parent / path.name
    return beside if beside.is_file() and not path.is_file() else path


def _numbered(work_dir: Path) -> List[Path]:
    """List the regular checkpoints of a folder, the newest first."""
    names = {path: re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', path.name) for path in work_dir.glob('*.pth')}
    numbers = {path: int(name.group(1)) for path, name in names.items() if name}
    return sorted(numbers, key=lambda path: numbers[path], reverse=True)
