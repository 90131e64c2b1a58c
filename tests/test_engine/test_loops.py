"""The loop's endless batches: where they start, where they resume, what they read."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler

from mmseg_ssl.datasets import SemiSampler
from mmseg_ssl.engine import SemiEpochTrainLoop, SemiTrainLoop, loops
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


class Draws(Dataset):
    """Five labeled images and eight unlabeled ones; an item is the draw itself."""

    unlabeled, unlabeled_per_labeled = range(8), 2

    def __len__(self):
        return 5

    def __getitem__(self, draw):
        return draw


def start(kind, length, seed, sampler_seed='of the run', **randomness):
    """A runner and its loop, which writes down what it reads instead of training on it."""
    data, read = Draws(), []

    def build_dataloader(config, seed, diff_rank_seed=False):
        given = None if diff_rank_seed else seed  # the host's
        sampler = SemiSampler(data, seed=given if sampler_seed == 'of the run' else sampler_seed)
        return DataLoader(data, batch_size=2, sampler=sampler, collate_fn=list)

    runner = SimpleNamespace(
        seed=seed,
        build_dataloader=build_dataloader,
        _randomness_cfg=randomness,
        call_hook=lambda *args, **kwargs: None,
        message_hub=MessageHub('loop'),
        val_loop=None,
        optim_wrapper=None,
        model=SimpleNamespace(train=lambda: None, train_step=lambda batch, optim_wrapper: read.append(batch)),
        read=read,
    )
    return runner, kind(runner, {}, length)


@pytest.mark.parametrize(('kind', 'length'), [(SemiTrainLoop, 6), (SemiEpochTrainLoop, 2)])
@pytest.mark.parametrize('own', ['of the run', 11])
def test_a_resumed_run_reads_on_by_the_seed_of_its_checkpoint(kind, length, own):
    """Without a seed in the config each start draws one, and the loop is built before the checkpoint is read."""
    whole, loop = start(kind, length, 3, own)
    loop.run()
    runner, loop = start(kind, length, 4, own)
    runner.seed, loop._iter = 3, 2  # as the host restores them
    loop.run()
    assert len(whole.read) == 6 and runner.read == whole.read[2:]
    other, loop = start(kind, length, 4, own)
    loop.run()
    assert (other.read == whole.read) == (own == 11)


@pytest.mark.parametrize(('kind', 'length'), [(SemiTrainLoop, 6), (SemiEpochTrainLoop, 2)])
def test_seeds_that_differ_by_rank_share_their_stream(kind, length, monkeypatch):
    """Rank 2 has seed 5 of a run of seed 3, and goes on with its checkpoint's; the sampler would have drawn its own."""
    monkeypatch.setattr(loops, 'get_rank', lambda: 2)
    expected, loop = start(kind, length, 3)
    loop.run()
    whole, loop = start(kind, length, 5, diff_rank_seed=True)
    loop.run()
    assert whole.read == expected.read
    resumed, loop = start(kind, length, 9, diff_rank_seed=True)
    resumed.seed, loop._iter = 5, 2
    loop.run()
    assert resumed.read == expected.read[2:]
