"""Two independent, endless, resumable shuffles as a function of the seed."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from mmseg_ssl.datasets import DatasetError, SemiSampler, semi_sampler
from mmseg_ssl.utils.random import fold


def sampler(labeled=5, unlabeled=9, ratio=1, seed=0, **kwargs) -> SemiSampler:
    class Sets(SimpleNamespace):
        def __len__(self):
            return labeled

    dataset = Sets(unlabeled=range(unlabeled), unlabeled_per_labeled=ratio)
    return SemiSampler(dataset, seed=seed, **kwargs)


def take(source: SemiSampler, number: int) -> list:
    return list(islice(source, number))


@pytest.fixture
def ranks(monkeypatch):
    """Run as rank r of W."""

    def become(rank: int, world: int) -> None:
        monkeypatch.setattr(semi_sampler, 'get_dist_info', lambda: (rank, world))

    return become


def test_every_image_comes_once_per_pass():
    draws = take(sampler(labeled=5, unlabeled=8, ratio=2), 40)
    labeled = np.array([draw.labeled for draw in draws]).reshape(-1, 5)
    unlabeled = np.array([draw.unlabeled for draw in draws]).reshape(-1, 8)
    assert (np.sort(labeled, axis=1) == np.arange(5)).all()
    assert (np.sort(unlabeled, axis=1) == np.arange(8)).all()
    assert len({tuple(row) for row in labeled}) > 4
    assert len({tuple(row) for row in unlabeled}) > 4


def test_the_two_streams_are_not_paired():
    """Sets of one size: with one shuffle for both (as in mmdet), the difference is constant.

    Over 4000 draws each of 64 pairs is expected 62.5 times; 40 and 90 are 2.8 and 3.5 standard
    deviations away, and the streams are fixed by the seed.
    """
    draws = take(sampler(labeled=8, unlabeled=8), 4000)
    counts = np.zeros((8, 8), int)
    for draw in draws:
        counts[draw.labeled, draw.unlabeled[0]] += 1
    assert counts.min() > 40
    assert counts.max() < 90


def test_the_stream_of_a_seed_never_changes():
    """Golden: resuming a run of an older version must go on with the same images."""
    draws = take(sampler(labeled=3, unlabeled=5, ratio=2, seed=7), 4)
    golden = [(2, (1, 0)), (0, (2, 3)), (1, (4, 1)), (2, (2, 0))]
    assert [(draw.labeled, draw.unlabeled) for draw in draws] == golden
    assert [draw.seed for draw in draws] == [fold(7, number) for number in range(4)]
    assert take(sampler(labeled=3, unlabeled=5, ratio=2, seed=8), 4) != draws


@pytest.mark.parametrize('world', [1, 3])
@pytest.mark.parametrize('consumed', [0, 1, 7, 50])
def test_skip_equals_consuming(ranks, world, consumed):
    ranks(world - 1, world)
    resumed = sampler(ratio=2)
    resumed.skip(3)
    resumed.skip(consumed)  # absolute: the second call replaces the first
    assert take(resumed, 20) == take(sampler(ratio=2), consumed + 20)[consumed:]
    with pytest.raises(ValueError, match='0 or more, got -1'):
        resumed.skip(-1)


@pytest.mark.parametrize('skipped', [0, 5])
def test_ranks_share_the_global_batches_of_one_process(ranks, skipped):
    """Global batch i of W = 2, B = 2 holds the same draws as batch i of W = 1, B = 4."""
    alone = take(sampler(ratio=2), 4 * (skipped + 10))
    parts = []
    for rank in (0, 1):
        ranks(rank, 2)
        part = sampler(ratio=2)
        part.skip(2 * skipped)
        parts.append(take(part, 20))
    assert parts[0] == alone[4 * skipped :: 2]
    assert parts[1] == alone[4 * skipped + 1 :: 2]


@pytest.mark.parametrize(
    ('size', 'batch', 'ratio', 'distinct'),
    [(13, 5, 2, None), (344, 16, 2, None), (8, 4, 2, 8), (4, 3, 1, None), (2, 2, 1, None)],
)
def test_partners_differ_in_every_batch_of_10000_draws(size, batch, ratio, distinct):
    draws = take(sampler(unlabeled=size, ratio=ratio, distinct=distinct), 10_000 // batch * batch)
    entries = np.array([draw.unlabeled for draw in draws]).reshape(-1, batch * ratio)
    assert all(len(set(row)) == batch * ratio for row in entries.tolist())


def test_the_order_is_still_random():
    """Each of 12 entries follows each other one: over 1000 passes 132 pairs, 91 expected each."""
    draws = take(sampler(unlabeled=12), 12_000)
    order = [draw.unlabeled[0] for draw in draws]
    follows = np.zeros((12, 12), int)
    np.add.at(follows, (order[:-1], order[1:]), 1)
    off_diagonal = follows[~np.eye(12, dtype=bool)]
    assert follows.trace() == 0
    assert off_diagonal.min() > 45
    assert off_diagonal.max() < 150


def test_reshuffle_limits():
    """distinct = N leaves no choice; distinct = 1 allows every place for every entry."""
    rng = np.random.RandomState(0)
    assert semi_sampler._reshuffle([3, 1, 2, 0], 4, rng) == [3, 1, 2, 0]
    places = [semi_sampler._reshuffle([0, 1, 2, 3], 1, rng).index(3) for _ in range(400)]
    assert min(np.bincount(places, minlength=4)) > 70


@pytest.mark.parametrize(
    ('labeled', 'unlabeled', 'ratio', 'world', 'draws'),
    [
        (5, 9, 1, 1, 9),
        (5, 9, 2, 1, 5),
        (4, 9, 2, 1, 5),
        (20, 9, 1, 1, 20),
        (5, 9, 1, 2, 5),
        (5, 0, 0, 1, 5),
        (5, 9, 0, 1, 5),
    ],
)
def test_an_epoch_sees_the_longer_set_once(labeled, unlabeled, ratio, world, draws, ranks):
    """Of 9 unlabeled images 2 a draw make 5 draws, 1 a draw on 2 ranks make 5 draws of each."""
    ranks(0, world)
    assert len(sampler(labeled, unlabeled, ratio)) == draws


def test_errors_say_what_is_wrong():
    with pytest.raises(DatasetError, match='labeled set is empty'):
        sampler(labeled=0)
    with pytest.raises(DatasetError, match=r'in \[1, 9\].*got 10'):
        sampler(distinct=10)
    assert take(sampler(unlabeled=0, ratio=0), 1)[0].unlabeled == ()
