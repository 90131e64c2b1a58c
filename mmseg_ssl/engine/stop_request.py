"""Signals that ask a run to save and stop, which it does between two iterations."""

import os
import signal
import time
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, Optional

STOPPED = 143  # 128 + SIGTERM, the exit code that shells report for a process ended by this signal
# Signals within this time are one request, which may come from several sides at once, e.g. Slurm and torchrun.
SAME_REQUEST_SECONDS = 1.0

_asked_at: Optional[float] = None


def stop_requested() -> bool:
    """Return True if this process was asked to save and stop."""
    return _asked_at is not None


@contextmanager
def stop_on_signals(last_act: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Treat SIGTERM and SIGUSR1 as requests to save and stop; a second request ends the process at once.

    Slurm, Kubernetes and torchrun send SIGTERM; Slurm is often told to send SIGUSR1 before the time limit.
    :class:`SafeCheckpointHook` looks for the request after each iteration.

    Args:
        last_act: Called before the process is ended at once.
    """
    global _asked_at
    owner = os.getpid()

    def on_signal(number: int, frame: Optional[FrameType]) -> None:
        global _asked_at
        # A forked child (a worker of the dataloader) inherits this handler, but must end as if there were none.
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif _asked_at is None:
            _asked_at = time.monotonic()
        elif time.monotonic() - _asked_at > SAME_REQUEST_SECONDS:
            last_act()
            os._exit(STOPPED)  # not sys.exit: the main thread may be stuck in a collective

    kinds = [getattr(signal, name) for name in ('SIGTERM', 'SIGUSR1') if hasattr(signal, name)]
    former = {}
    try:
        former = {kind: signal.signal(kind, on_signal) for kind in kinds}
    except ValueError:
        pass  # only the main thread may set signal handlers
    try:
        yield
    finally:
        _asked_at = None
        for kind, handler in former.items():
            signal.signal(kind, handler)
