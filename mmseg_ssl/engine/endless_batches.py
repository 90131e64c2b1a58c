"""Endless batches of a dataloader, from any position of their stream."""

import logging
from typing import Any, Iterator, Optional

from mmengine.logging import print_log
from torch.utils.data import BatchSampler, DataLoader


class EndlessBatches:
    """Endless iterator over a dataloader, whose workers start with the first batch, not before.

    Args:
        dataloader: Source of the batches. If it ends, it is started again (with ``set_epoch`` if its sampler has that).
    """

    def __init__(self, dataloader: DataLoader) -> None:
        self._dataloader = dataloader
        self._iterator: Optional[Iterator] = None
        self._epoch = 0

    def __iter__(self) -> 'EndlessBatches':
        return self

    def __next__(self) -> Any:
        if self._iterator is None:
            self._iterator = iter(self._dataloader)
        try:
            return next(self._iterator)
        except StopIteration:
            self._epoch += 1
            set_epoch = getattr(self._dataloader.sampler, 'set_epoch', None)
            if set_epoch is not None:
                set_epoch(self._epoch)
            self._iterator = iter(self._dataloader)
            return next(self._iterator)

    def skip_iter(self, num_iters: int) -> None:
        """Continue after ``num_iters`` batches, counted from the start of the stream.

        If the sampler has ``skip``, no data are read; otherwise the batches are read and dropped, as in mmengine
        0.10.7.

        Args:
            num_iters: Number of batches that were consumed before; >= 0.

        Raises:
            RuntimeError: A batch was already taken: the position is absolute, so it can only be set at the start.
        """
        if self._iterator is not None:
            raise RuntimeError('skip_iter(n) sets an absolute position and must come before the first batch.')
        if num_iters <= 0:
            return
        sampler, batch_size = self.skippable()
        if sampler is not None:
            sampler.skip(num_iters * batch_size)
            return
        print_log(
            f'{type(self._dataloader.sampler).__name__} has no skip(n), so {num_iters} batches are read again and '
            'dropped. Samplers with skip(n), such as SemiSampler, resume at once.',
            'current',
            logging.WARNING,
        )
        for _ in range(num_iters):
            next(self)

    def skippable(self) -> tuple:
        """Return the sampler that can skip, and its indices per batch; ``(None, 0)`` if there is none."""
        batch_sampler = self._dataloader.batch_sampler
        # A batch sampler of another class may not take exactly batch_size indices per batch.
        if type(batch_sampler) is BatchSampler and hasattr(batch_sampler.sampler, 'skip'):
            return batch_sampler.sampler, batch_sampler.batch_size
        return None, 0


class Unstarted:
    """A dataloader whose ``iter`` starts no workers, because the constructor of mmengine 0.10.7's loop calls it."""

    def __init__(self, dataloader: DataLoader) -> None:
        self._dataloader = dataloader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataloader, name)

    def __iter__(self) -> Iterator:
        return iter(())
