"""The order of the images: two independent, endless, resumable shuffles that depend only on the seed."""

import itertools
from typing import Iterator, List, Optional

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from ..errors import DatasetError
from ..utils.random import fold
from .semi_dataset import Draw, SemiDataset

LABELED_STREAM, UNLABELED_STREAM = 0, 1


def _generator(seed: int) -> np.random.RandomState:
    """Make a generator whose stream NumPy guarantees never to change."""
    return np.random.RandomState(np.random.MT19937(seed))


def _reshuffle(order: List[int], distinct: int, rng: np.random.RandomState) -> List[int]:
    """Shuffle the next pass over a set so that any ``distinct`` consecutive entries across the seam differ.

    The entry at place i of the old pass may not come before place ``i - (N - distinct)`` of the new one; each place is
    filled uniformly from the entries that are allowed there. ``distinct = 1`` is a plain shuffle, ``distinct = N``
    repeats the old order.
    """
    slack = len(order) - distinct
    pool, waiting = order[: slack + 1], iter(order[slack + 1 :])
    shuffled = []
    for share in rng.random_sample(len(order)):
        pick = int(share * len(pool))
        pool[pick], pool[-1] = pool[-1], pool[pick]
        shuffled.append(pool.pop())
        pool.extend(itertools.islice(waiting, 1))
    return shuffled


@DATA_SAMPLERS.register_module()
class SemiSampler(Sampler):
    """Endless stream of :class:`Draw`; rank r of W gets draw number r, r + W, r + 2W, ...

    The stream depends only on the seed, not on the batch size, the workers or the number of ranks, so W ranks with
    batch B together see what one process sees with batch W * B. Labeled and unlabeled images are shuffled
    independently, each image once per pass.

    Partners in CutMix must be different images. An unlabeled image could occur twice in a batch only at the seam
    between two passes, so the next pass is shuffled such that any ``distinct`` consecutive entries differ. The sampler
    does not need to know the batch size, as long as a batch of all ranks has at most ``distinct`` unlabeled images.

    Args:
        dataset: A :class:`SemiDataset`; mmengine passes it.
        seed: Seed of the stream, the same on all ranks; mmengine passes the run's. ``None``: drawn and synchronized.
        distinct: Any ``distinct`` consecutive unlabeled images are different ones. Default: three quarters of the set.
            Raise it (up to the size of the set) if one batch of all ranks takes more than that.

    Raises:
        DatasetError: The dataset has no labeled image, or ``distinct`` is not in ``[1, N]``.
    """

    def __init__(self, dataset: SemiDataset, seed: Optional[int] = None, distinct: Optional[int] = None) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.num_labeled = len(dataset)
        self.num_unlabeled = len(dataset.unlabeled) if dataset.unlabeled is not None else 0
        if not self.num_labeled:
            raise DatasetError('The labeled set is empty: check the list in dataset.split.')
        if distinct is not None and not 1 <= distinct <= self.num_unlabeled:
            raise DatasetError(
                f'distinct must be in [1, {self.num_unlabeled}], the size of the unlabeled set; got {distinct}.'
            )
        self.distinct = distinct or self.num_unlabeled - self.num_unlabeled // 4
        self._consumed = 0

    def __iter__(self) -> Iterator[Draw]:
        """Iterate from the position that :meth:`skip` set, or from the start."""
        first = self._consumed * self.world_size + self.rank
        ratio = self.dataset.unlabeled_per_labeled
        unlabeled = itertools.islice(self._unlabeled_entries(), first * ratio, None)
        for number, labeled in enumerate(self._labeled_entries(first), start=first):
            partners = tuple(itertools.islice(unlabeled, ratio))
            if (number - first) % self.world_size == 0:
                yield Draw(labeled, partners, fold(self.seed, number))

    def _labeled_entries(self, first: int) -> Iterator[int]:
        """Yield the labeled indices from entry ``first`` on; a pass is a function of its number."""
        passes, start = divmod(first, self.num_labeled)
        for number in itertools.count(passes):
            order = _generator(fold(self.seed, LABELED_STREAM, number)).permutation(self.num_labeled)
            yield from order[start:].tolist()
            start = 0

    def _unlabeled_entries(self) -> Iterator[int]:
        """Yield all unlabeled indices; a pass depends on the one before, so a resume replays indices (no images)."""
        order = _generator(fold(self.seed, UNLABELED_STREAM, 0)).permutation(self.num_unlabeled).tolist()
        for number in itertools.count(1):
            yield from order
            order = _reshuffle(order, self.distinct, _generator(fold(self.seed, UNLABELED_STREAM, number)))

    def skip(self, num_samples: int) -> None:
        """Go to a position of the stream without reading any image; call it before iterating.

        Args:
            num_samples: ABSOLUTE number of this rank's indices that an earlier run has consumed.

        Raises:
            ValueError: The number is negative.
        """
        if num_samples < 0:
            raise ValueError(f'num_samples must be 0 or more, got {num_samples}.')
        self._consumed = num_samples

    def __len__(self) -> int:
        """Return the draws of this rank per epoch, which covers the longer set once; the stream itself never ends."""
        partners = self.dataset.unlabeled_per_labeled
        longer = max(self.num_labeled, -(-self.num_unlabeled // partners) if partners else 0)
        return -(-longer // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Do nothing: the stream has no epochs."""
