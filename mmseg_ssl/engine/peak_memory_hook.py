"""Peak memory of a training without an accelerator."""

import sys
from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class PeakMemoryHook(Hook):
    """Logs the peak resident memory of the process as ``peak_rss`` (MB) during training on a CPU.

    The peak includes Python, the libraries (about 500 MB) and the data. On CUDA, mmengine logs ``memory``, the peak of
    torch's allocations, and this hook does nothing. It also does nothing where the system does not report memory
    (Windows).
    """

    def before_train(self, runner: Any) -> None:
        """Find out if there is anything to log.

        Args:
            runner: The runner.
        """
        self.active = not torch.cuda.is_available() and peak_rss() is not None

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Log the peak.

        Args:
            runner: The runner, whose message hub receives the value.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Not used.
        """
        if self.active:
            runner.message_hub.update_scalar('train/peak_rss', peak_rss())


def peak_rss() -> Optional[float]:
    """Return the peak resident memory of this process in MB; None where the system does not report it."""
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == 'darwin' else peak / 2**10  # bytes there, KiB elsewhere
