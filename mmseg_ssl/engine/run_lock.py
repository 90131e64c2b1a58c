"""Lock that keeps a second run out of a work dir."""

import atexit
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any, Dict, Optional, Union

from ..errors import UserError

LOCK_NAME = 'run.lock'
BEAT_SECONDS = 20.0
STALE_SECONDS = 180.0  # several beats and the delay of a network file system

_held: Dict[Path, 'RunLock'] = {}


class RunLock:
    """The file ``run.lock`` in a work dir, with the host and process of the run.

    A second run stops with an error that names the first. A lock is stale, and taken over, when its process is gone
    (on this host) or has not touched the file for three minutes (on any host). Reading the folder needs no lock.

    Args:
        work_dir: The folder; it is made if it does not exist.

    Raises:
        UserError: Another run trains there.
    """

    def __init__(self, work_dir: Union[str, Path]) -> None:
        self.path = Path(work_dir).resolve() / LOCK_NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._owner = dict(_identity(), started=time.strftime('%Y-%m-%d %H:%M:%S'))
        self._stop = threading.Event()
        for _ in range(3):  # a stale lock is removed first, and another run may be faster then
            if self._create():
                break
            self._remove_if_stale()
        else:
            raise UserError(self._describe(_read_owner(self.path)))
        # a daemon: it must not keep a process alive that ends without releasing the lock
        threading.Thread(target=self._keep_fresh, daemon=True).start()

    def release(self) -> None:
        """Remove the file, if it still belongs to this process (and not to its parent, after a fork)."""
        self._stop.set()
        if os.getpid() == self._owner['pid'] and _read_owner(self.path) == self._owner:
            self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        """Create the file, which only one of several runs can do; return False if it exists."""
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, 'w') as file:
            json.dump(self._owner, file)
        return True

    def _remove_if_stale(self) -> None:
        """Remove the lock of a run that has ended.

        Raises:
            UserError: That run is still alive.
        """
        try:
            age = self._file_system_time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return
        owner = _read_owner(self.path)
        here = _identity()
        same_host = all(owner.get(key) == here[key] for key in ('host', 'namespace'))
        gone = same_host and (owner['pid'] == here['pid'] or not _is_running(owner['pid']))
        if not gone and age < STALE_SECONDS:
            raise UserError(self._describe(owner))
        doomed = self.path.with_name(f'{LOCK_NAME}.{os.getpid()}')
        try:
            os.replace(self.path, doomed)  # of several runs that try, only one succeeds
        except FileNotFoundError:
            return
        if _read_owner(doomed) == owner:
            doomed.unlink()
        else:  # another run was faster, and this is its new lock: put it back
            os.replace(doomed, self.path)

    def _file_system_time(self) -> float:
        """Return the time of the file system, whose clock may differ from this host's."""
        probe = self.path.with_name(f'{LOCK_NAME}.{os.getpid()}')
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()

    def _keep_fresh(self) -> None:
        """Touch the file again and again, as a sign of life."""
        while not self._stop.wait(BEAT_SECONDS):
            try:
                os.utime(self.path)
            except OSError:
                return  # the folder was removed

    def _describe(self, owner: Dict[str, Any]) -> str:
        return (
            f'another run trains in {self.path.parent}: process {owner.get("pid", "?")} on {owner.get("host", "?")}, '
            f'since {owner.get("started", "?")}. Give this run another --work-dir, or wait for the other one to end. '
            f'If it is dead, its lock is taken over {STALE_SECONDS / 60:.0f} minutes after its last sign of life '
            f'({self.path}).'
        )


def lock_run(work_dir: Union[str, Path]) -> RunLock:
    """Take the lock of a work dir for this process, until it is released or the process ends.

    Args:
        work_dir: The folder; taking its lock again changes nothing.

    Raises:
        UserError: Another run trains there.
    """
    folder = Path(work_dir).resolve()
    if folder not in _held:
        _held[folder] = RunLock(folder)
    return _held[folder]


def release_run(work_dir: Optional[Union[str, Path]] = None) -> None:
    """Release the lock of a work dir, or all locks of this process; does nothing if there is none."""
    for folder in [Path(work_dir).resolve()] if work_dir else list(_held):
        lock = _held.pop(folder, None)
        if lock:
            lock.release()


atexit.register(release_run)


def _identity() -> Dict[str, Any]:
    """Identify this process; containers on one host number their processes separately."""
    try:
        namespace = os.readlink('/proc/self/ns/pid')
    except OSError:
        namespace = ''
    return dict(host=socket.gethostname(), namespace=namespace, pid=os.getpid())


def _is_running(pid: int) -> bool:
    if os.name != 'posix':  # on Windows, os.kill(pid, 0) would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, but belongs to another user
    return True


def _read_owner(path: Path) -> Dict[str, Any]:
    """Read the owner; an empty dict if it is not written yet."""
    try:
        owner = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) and isinstance(owner.get('pid'), int) else {}
