"""Files that are either whole or not there."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Optional, Union

from mmengine.fileio import LocalBackend, register_backend

PARTIAL = '.partial'


def replace_file(path: Union[str, Path], content: bytes) -> None:
    """Write a file so that its name always shows the old content or the new one, whole.

    The bytes go to ``<path>.partial`` in the same folder, are flushed to the disk, and then take the name in one
    step. A process killed at any moment leaves the old file as it was.

    Args:
        path: The file; its folder is made if it does not exist.
        content: The whole content.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    with open(partial, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # else a power cut may keep the new name and lose the bytes
    os.replace(partial, path)
    _flush_folder(path.parent)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine that do the same out of a folder, so that none overwrites what another one
    has just written; they wait. Nothing where the system has no such locks (Windows).

    Args:
        folder: It is made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _flush_folder(folder: Path) -> None:
    """Flush the folder's list of names, so that the new name survives a power cut as well."""
    if os.name != 'posix':
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partial_files(folder: Union[str, Path]) -> List[Path]:
    """Remove what writes that were cut short left in a folder.

    Args:
        folder: The folder; it need not exist.

    Returns:
        The files that were removed.
    """
    leftovers = sorted(Path(folder).glob(f'*.pth{PARTIAL}'))
    leftovers += sorted(Path(folder).glob(f'last_checkpoint{PARTIAL}'))
    for leftover in leftovers:
        leftover.unlink()
    return leftovers


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """mmengine's local file backend whose writes are whole or not there: ``backend_args=dict(backend='atomic')``."""

    def __init__(self) -> None:
        self._doomed: Optional[List[str]] = None

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write bytes by :func:`replace_file`.

        Args:
            obj: The whole content.
            filepath: The file.
        """
        replace_file(filepath, obj)

    def remove(self, filepath: Union[str, Path]) -> None:
        """Remove a file; within :meth:`removals_last`, when the block has ended well.

        Args:
            filepath: The file.
        """
        if self._doomed is None:
            super().remove(filepath)
        else:
            self._doomed.append(str(filepath))

    @contextmanager
    def removals_last(self) -> Iterator[List[str]]:
        """Put off the removals in a block to its end; an error in the block cancels them.

        mmengine removes the old checkpoint before it writes the new one: a kill in between leaves none.

        Yields:
            The files to be removed; what is taken off the list stays.
        """
        doomed = self._doomed = []
        try:
            yield doomed
        finally:
            self._doomed = None
        for path in doomed:  # not reached after an error
            if self.isfile(path):
                self.remove(path)
