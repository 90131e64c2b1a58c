"""Training loops that resume at the exact position in the data."""

import itertools
from typing import Any, Dict, Iterator, Union

from mmengine.dist import get_rank
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmseg.registry import LOOPS
from torch import nn
from torch.utils.data import DataLoader

from .endless_batches import EndlessBatches, Unstarted
from .run_length import to_interval


def _in_steps(options: Dict[str, Any], length: int) -> Dict[str, Any]:
    """Turn a ``val_interval`` that is a share of the run into iterations (or epochs)."""
    steps = {key: to_interval(options[key], length) for key in ('val_interval',) if key in options}
    return {**options, **steps}


def _build_dataloader(runner: Any, dataloader: Union[DataLoader, Dict]) -> DataLoader:
    """Build a dataloader as the host's loops do, unless it is already built."""
    if not isinstance(dataloader, dict):
        return dataloader
    return runner.build_dataloader(dataloader, _shared_seed(runner))


def _shared_seed(runner: Any) -> int:
    """Return the seed that all processes share, as samplers need it; with ``diff_rank_seed`` each adds its rank.

    The host would let the sampler draw one then, which no checkpoint remembers.
    """
    return runner.seed - (get_rank() if runner._randomness_cfg.get('diff_rank_seed') else 0)


def _follow_seed(dataloader: DataLoader, built_with: int, seed: int) -> None:
    """Give a sampler that was built with the run's seed the one that a checkpoint restored since; others stay."""
    sampler: Any = getattr(dataloader.batch_sampler, 'sampler', None)
    if getattr(sampler, 'seed', None) == built_with:
        sampler.seed = seed


@LOOPS.register_module()
class SemiTrainLoop(IterBasedTrainLoop):
    """Iteration-based training that does not read consumed data again when it resumes.

    mmengine 0.10.7 starts the workers when the loop is built and, on resume, reads and drops every consumed batch;
    onedl-mmengine skips them in the sampler. Here both stacks do the same: the dataloader starts with the first batch,
    and a resumed run first calls ``sampler.skip(iterations * batch_size)``, the absolute number of indices that this
    rank consumed. If a validation was due at the checkpoint and is not recorded there, it comes first. Everything else
    is :class:`mmengine.runner.IterBasedTrainLoop`.

    Args:
        runner: The runner.
        dataloader: A dataloader, or the config of one.
        max_iters: Number of training iterations.
        **kwargs: ``val_begin``, ``val_interval``, ``dynamic_intervals``: see the host's loop. ``val_interval`` may be
            a share of ``max_iters``: ``0.1`` validates ten times, ``1.0`` only at the end.
    """

    def __init__(self, runner: Any, dataloader: Union[DataLoader, Dict], max_iters: int, **kwargs: Any) -> None:
        built, self._built_with = _build_dataloader(runner, dataloader), _shared_seed(runner)
        super().__init__(runner, Unstarted(built), max_iters, **_in_steps(kwargs, max_iters))
        self.dataloader = built
        self.dataloader_iterator = EndlessBatches(built)

    def run(self) -> nn.Module:
        """Train from the current iteration to the last one.

        Returns:
            The trained model.
        """
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        _follow_seed(self.dataloader, self._built_with, _shared_seed(self.runner))
        self.dataloader_iterator.skip_iter(self._iter)
        if 0 < self._iter != self.runner.message_hub.get_info('last_validation', 0):
            self._validate_if_due(self._iter)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._validate_if_due(self._iter)
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validate_if_due(self, done: int) -> None:
        """Validate if a validation is due after ``done`` iterations."""
        self._decide_current_val_interval()
        if self.runner.val_loop is None or done < self.val_begin:
            return
        if done % self.val_interval == 0 or done == self._max_iters:
            self.runner.val_loop.run()


@LOOPS.register_module(name=['SemiEpochTrainLoop', 'EpochBasedTrainLoop'])
class SemiEpochTrainLoop(EpochBasedTrainLoop):
    """Epoch-based training with an endless sampler; it does not read consumed data again when it resumes.

    mmengine's loop waits for the dataloader to end, which :class:`SemiSampler`'s never does. Here an epoch has
    ``len(dataloader)`` iterations: with ``SemiSampler`` as many as it takes to see the longer of the two sets once,
    ``max(labeled, unlabeled / unlabeled_per_labeled)`` draws over batch size and ranks, rounded up (down with
    ``drop_last=True``). The stream continues from epoch to epoch, so every batch is full. A run can also resume within
    an epoch. In the mmseg scope it replaces the host's loop of the same name; with a sampler that ends it behaves the
    same.

    Args:
        runner: The runner.
        dataloader: A dataloader, or the config of one.
        max_epochs: Number of epochs.
        **kwargs: ``val_begin``, ``val_interval``, ``dynamic_intervals``, in epochs: see the host's loop.
            ``val_interval`` may be a share of ``max_epochs``.
    """

    def __init__(self, runner: Any, dataloader: Union[DataLoader, Dict], max_epochs: int, **kwargs: Any) -> None:
        super().__init__(runner, _build_dataloader(runner, dataloader), max_epochs, **_in_steps(kwargs, max_epochs))
        self._built_with = _shared_seed(runner)
        self._stream = EndlessBatches(self.dataloader)
        self._endless = self._stream.skippable()[0] is not None

    def run(self) -> nn.Module:
        """Train from the current iteration to the last epoch's end.

        Returns:
            The trained model.
        """
        self.runner.call_hook('before_train')
        _follow_seed(self.dataloader, self._built_with, _shared_seed(self.runner))
        if self._endless:
            self._stream.skip_iter(self._iter)
        at_end = self._iter == self._epoch * len(self.dataloader)
        if at_end and 0 < self._iter != self.runner.message_hub.get_info('last_validation', 0):
            self._validate_if_due(self._epoch)
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due(self._epoch)
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train to the end of the current epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.dataloader)
        for number, batch in enumerate(self._rest_of_epoch(done), start=done):
            self.run_iter(number, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _rest_of_epoch(self, done: int) -> Iterator:
        """Iterate over the batches of the current epoch from number ``done`` on."""
        if self._endless:
            return itertools.islice(self._stream, len(self.dataloader) - done)
        return itertools.islice(iter(self.dataloader), done, len(self.dataloader))

    def _validate_if_due(self, done: int) -> None:
        """Validate if a validation is due after ``done`` epochs."""
        self._decide_current_val_interval()
        if self.runner.val_loop is None or done < self.val_begin:
            return
        if done % self.val_interval == 0 or done == self._max_epochs:
            self.runner.val_loop.run()
