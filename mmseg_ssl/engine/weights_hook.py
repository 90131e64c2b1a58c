"""Check that a checkpoint fits the model."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import HOOKS

from ..utils.weights import load_weights


@HOOKS.register_module()
class CheckWeightsHook(Hook):
    """Raises an error if a checkpoint lacks weights; the host only warns, and continues with random ones.

    See :func:`~mmseg_ssl.utils.weights.load_weights` for what a test, a resumed and a new training need.

    Args:
        allow_missing: Only warn.
    """

    priority = 'VERY_LOW'  # after hooks that change the loaded checkpoint, such as EMAHook

    def __init__(self, allow_missing: bool = False) -> None:
        self.allow_missing = allow_missing

    def after_load_checkpoint(self, runner: Runner, checkpoint: Any) -> None:
        """Compare the checkpoint with the model, before the host loads it."""
        # the runner builds only the loop that it runs, but hooks such as EarlyStoppingHook also build that of training
        training = isinstance(runner._train_loop, BaseLoop) and not isinstance(runner._test_loop, BaseLoop)
        use = ('resume' if runner._resume else 'train') if training else 'predict'
        source = str(runner._load_from or 'the checkpoint')
        load_weights(runner.model, checkpoint, source, use, self.allow_missing)
