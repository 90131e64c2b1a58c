"""Check that a checkpoint fits the model."""

import logging
from typing import Any, Optional, Sequence

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import HOOKS

from ..utils.weights import WeightsError, load_weights

Names = Optional[Sequence[str]]


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
        loop = runner._train_loop if training else runner._test_loop
        dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
        meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
        known = ((meta or {}).get('dataset_meta') or {}).get('classes')
        _check_classes(known, getattr(dataset, 'metainfo', {}).get('classes'), source, self.allow_missing)
        load_weights(runner.model, checkpoint, source, use, self.allow_missing)


def _check_classes(known: Names, classes: Names, source: str, lenient: bool) -> None:
    """Refuse a checkpoint of the same classes in another order, and doubt one of other classes.

    Args:
        known: Classes of the checkpoint's training.
        classes: Those of this run's data.
        source: Name of the checkpoint.
        lenient: Only warn.

    Raises:
        WeightsError: The order differs: channel 0 would be called by the name of another class.
    """
    if not known or not classes or len(known) != len(classes) or list(known) == list(classes):
        return
    first = next(place for place, (one, other) in enumerate(zip(known, classes)) if one != other)
    text = f'{source} was trained with class {first} {known[first]!r}, which the data of this config call '
    text += f'{classes[first]!r}'
    if sorted(known) == sorted(classes) and not lenient:
        raise WeightsError(f'{text}: the same classes in another order. Give metainfo.classes the order of training.')
    print_log(f'{text}: its scores mean nothing before it is trained on these.', 'current', logging.WARNING)
