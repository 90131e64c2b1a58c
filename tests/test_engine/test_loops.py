"""The loop's endless batches: where they start, where they resume, what they read."""

import pytest
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler

from mmseg_ssl.engine.endless_batches import EndlessBatches, Unstarted


class Numbers(Dataset):
    """0 .. 9; counts reads."""

    def __init__(self):
        self.reads = []

    def __len__(self):
        return 10

    def __getitem__(self, index):
        self.reads.append(index)
        return index


class Skipping(Sampler):
    """0, 1, 2, ... mod 10, without end."""

    def __init__(self):
        self.start = 0

    def skip(self, num_samples):
        self.start = num_samples

    def __iter__(self):
        number = self.start
        while True:
            yield number % 10
            number += 1


class EpochSampler(SequentialSampler):
    epochs = ()

    def set_epoch(self, epoch):
        self.epochs += (epoch,)


def take(batches, number):
    return [next(batches).tolist() for _ in range(number)]


def test_skips_in_the_sampler_without_reading():
    numbers = Numbers()
    batches = EndlessBatches(DataLoader(numbers, batch_size=3, sampler=Skipping()))
    batches.skip_iter(2)
    assert numbers.reads == []
    assert take(batches, 2) == [[6, 7, 8], [9, 0, 1]]
    assert numbers.reads == [6, 7, 8, 9, 0, 1]


def test_skips_behind_a_plain_batch_sampler():
    batches = EndlessBatches(DataLoader(Numbers(), batch_sampler=BatchSampler(Skipping(), 4, drop_last=True)))
    batches.skip_iter(1)
    assert take(batches, 1) == [[4, 5, 6, 7]]


def test_another_batch_sampler_is_replayed():
    """One that takes indices in its own rhythm: batch_size per batch would be a wrong guess."""

    class Growing(BatchSampler):
        def __iter__(self):
            indices, size = iter(self.sampler), 1
            while True:
                yield [next(indices) for _ in range(size)]
                size += 1

    batches = EndlessBatches(DataLoader(Numbers(), batch_sampler=Growing(Skipping(), 4, drop_last=True)))
    batches.skip_iter(2)
    assert take(batches, 1) == [[3, 4, 5]]


def test_a_sampler_without_skip_is_replayed():
    numbers = Numbers()
    batches = EndlessBatches(DataLoader(numbers, batch_size=4, sampler=SequentialSampler(numbers)))
    batches.skip_iter(2)
    assert numbers.reads == list(range(8))
    assert take(batches, 2) == [[8, 9], [0, 1, 2, 3]]


def test_an_epoch_that_ends_starts_the_next():
    numbers = Numbers()
    sampler = EpochSampler(numbers)
    batches = EndlessBatches(DataLoader(numbers, batch_size=5, sampler=sampler))
    assert take(batches, 5) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]] * 2 + [[0, 1, 2, 3, 4]]
    assert sampler.epochs == (1, 2)


def test_the_position_is_absolute_so_it_comes_first():
    batches = EndlessBatches(DataLoader(Numbers(), batch_size=3, sampler=Skipping()))
    next(batches)
    with pytest.raises(RuntimeError, match='before the first batch'):
        batches.skip_iter(2)


def test_nothing_starts_before_the_first_batch():
    """mmengine 0.10.7's constructor calls iter() on the dataloader: its workers would read from draw 0."""

    class Loader(DataLoader):
        started = 0

        def __iter__(self):
            self.started += 1
            return super().__iter__()

    loader = Loader(Numbers(), batch_size=3, sampler=RandomSampler(Numbers()))
    stand_in = Unstarted(loader)
    assert list(iter(stand_in)) == []
    assert stand_in.dataset is loader.dataset
    batches = EndlessBatches(loader)
    assert loader.started == 0
    next(batches)
    assert loader.started == 1
