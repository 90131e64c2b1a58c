"""Writing of files that are either complete or absent."""

import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Optional, Union

from mmengine.fileio import LocalBackend, register_backend

PARTIAL = '.partial'


def replace_file(path: Union[str, Path], content: bytes, shared: bool = False) -> None:
    """Write a file in one step: at any time it holds the complete old or the complete new content.

    The bytes go to ``<path>.partial`` in the same folder, are flushed to the disk, and then renamed. A process that is
    killed meanwhile leaves the old file as it was.

    Args:
        path: The file; its folder is made if it does not exist.
        content: The whole content.
        shared: Several processes may write it at once, also on other machines: each has a ``.partial`` of its own.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f'.{uuid.uuid4().hex}' if shared else ''
    partial = path.with_name(f'{path.name}{own}{PARTIAL}')
    with open(partial, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # otherwise a power cut may keep the new name and lose the bytes
    os.replace(partial, path)
    _flush_folder(path.parent)


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """Write several files that belong together: all of them or none gets into a folder.

    Args:
        folder: The folder; it may exist and hold other files. Of files with the same names the new ones stay.

    Yields:
        ``<folder>/.partial``, where to write them; it is removed at the end, and what an earlier one left at the start.
    """
    new, partial = not folder.exists(), folder / PARTIAL  # inside: the folder may be the current one
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in sorted(partial.iterdir()):
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if new and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder; other processes of this machine wait for it, so none overwrites the other's files.

    Does nothing where the system has no such locks (Windows).

    Args:
        folder: The folder; it is made if it does not exist.
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
        os.close(descriptor)  # releases the lock


def _flush_folder(folder: Path) -> None:
    """Flush the folder's list of names, so that the renaming survives a power cut as well."""
    if os.name != 'posix':
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partial_files(folder: Union[str, Path]) -> List[Path]:
    """Remove the files that interrupted writes left in a folder.

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
    """mmengine's local file backend that writes in one step: ``backend_args=dict(backend='atomic')``."""

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
        """Remove a file; within :meth:`removals_last`, only once the block has succeeded.

        Args:
            filepath: The file.
        """
        if self._doomed is None:
            super().remove(filepath)
        else:
            self._doomed.append(str(filepath))

    @contextmanager
    def removals_last(self) -> Iterator[List[str]]:
        """Delay the removals in a block until its end; an error in the block cancels them.

        mmengine removes the old checkpoint before it writes the new one, so a kill in between would leave none.

        Yields:
            The list of files to be removed; files taken off the list are kept.
        """
        doomed = self._doomed = []
        try:
            yield doomed
        finally:
            self._doomed = None
        for path in doomed:  # not reached after an error
            if self.isfile(path):
                self.remove(path)
