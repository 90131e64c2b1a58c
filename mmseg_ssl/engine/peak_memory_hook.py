"""How much memory a training took where no accelerator counts it."""

import sys
from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class PeakMemoryHook(Hook):
    """Log the peak resident memory of the process as ``peak_rss`` (MB) while training on a CPU.

    It is everything that the process held at its worst moment so far: Python and the libraries (about 500 MB) and the
    data, too. On CUDA mmengine logs ``memory``, the peak of what torch allocated, and this hook does nothing; so it
    does where the system does not count (Windows).
    """

    def before_train(self, runner: Any) -> None:
        """Ask whether there is anything to do.

        Args:
            runner: The runner.
        """
        self.active = not torch.cuda.is_available() and peak_rss() is not None

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Note the peak.

        Args:
            runner: The runner, whose message hub is written to.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Not used.
        """
        if self.active:
            runner.message_hub.update_scalar('train/peak_rss', peak_rss())


def peak_rss() -> Optional[float]:
    """Peak resident memory of this process so far, in MB; None where the system does not count it."""
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == 'darwin' else peak / 2**10  # bytes there, KiB elsewhere
