"""A signal asks the run to save and stop; the loop does so between two iterations."""

import os
import signal
import time
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, Optional

STOPPED = 143  # 128 + SIGTERM, what a shell reports of a process that the signal ended
# The same request may come from several sides at once, e.g. from Slurm and from torchrun.
SAME_REQUEST_SECONDS = 1.0

_asked_at: Optional[float] = None


def stop_requested() -> bool:
    """Say whether this process was asked to save and stop."""
    return _asked_at is not None


@contextmanager
def stop_on_signals(last_act: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Take SIGTERM and SIGUSR1 in the block for requests to save and stop; a second one ends the process at once.

    SIGTERM is what Slurm, Kubernetes and torchrun send; SIGUSR1 what Slurm is often told to send before the time is
    up. :class:`SafeCheckpointHook` looks for the request after each iteration.

    Args:
        last_act: Called before the process is ended at once.
    """
    global _asked_at
    owner = os.getpid()

    def on_signal(number: int, frame: Optional[FrameType]) -> None:
        global _asked_at
        if os.getpid() != owner:  # a child that was forked from this process: as if nobody had asked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif _asked_at is None:
            _asked_at = time.monotonic()
        elif time.monotonic() - _asked_at > SAME_REQUEST_SECONDS:
            last_act()
            os._exit(STOPPED)

    kinds = [getattr(signal, name) for name in ('SIGTERM', 'SIGUSR1') if hasattr(signal, name)]
    former = {}
    try:
        former = {kind: signal.signal(kind, on_signal) for kind in kinds}
    except ValueError:
        pass  # not the main thread, which alone may listen
    try:
        yield
    finally:
        _asked_at = None
        for kind, handler in former.items():
            signal.signal(kind, handler)
