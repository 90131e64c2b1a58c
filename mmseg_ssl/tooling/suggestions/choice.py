"""Chooses images that are doubtful and unlike each other."""

from typing import Dict, List, Sequence

import numpy as np


def standardized(vectors: np.ndarray) -> np.ndarray:
    """Bring every feature to mean 0 and variance 1 over the images; one that is constant becomes 0.

    Args:
        vectors: ``(N, D)``.
    """
    spread = vectors.std(axis=0)
    return (vectors - vectors.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)


def farthest_first(vectors: np.ndarray, known: np.ndarray, count: int) -> List[int]:
    r"""Choose vectors one by one, each the farthest from those that are chosen or known (greedy k-center).

    The largest distance of any vector from a chosen one is at most twice the smallest possible (Gonzalez, 1985); of
    deep features it is the core-set choice of Sener & Savarese (ICLR 2018).

    Args:
        vectors: ``(N, D)``.
        known: ``(M, D)``, vectors that count as chosen; without any, the first vector is chosen first.
        count: Number of vectors, at most N.

    Returns:
        Indices in the order of their choice; of equally far ones the first.

    Example:
        >>> farthest_first(np.array([[0.0], [1.0], [5.0], [9.0]]), np.array([[0.0]]), 2)
        [3, 2]
    """
    distance = np.full(len(vectors), np.inf)
    for one in known:
        distance = np.minimum(distance, ((vectors - one) ** 2).sum(axis=1))
    chosen: List[int] = []
    while len(chosen) < min(count, len(vectors)):
        best = int(distance.argmax())
        chosen.append(best)
        distance = np.minimum(distance, ((vectors - vectors[best]) ** 2).sum(axis=1))
        distance[chosen] = -1.0  # a copy of a chosen image has distance 0, and may be chosen last
    return chosen


def choose(
    scores: Dict[str, float], vectors: Dict[str, np.ndarray], known: Sequence[np.ndarray], count: int, pool: int
) -> List[str]:
    """Choose images: of the most doubtful ones those that are farthest from the labeled ones and from each other.

    Args:
        scores: Image -> doubt.
        vectors: Image -> features ``(D,)``.
        known: Features of the labeled images.
        count: Number of images.
        pool: Choose among ``pool * count`` of the most doubtful images. 1 takes the most doubtful ones themselves; 0
            chooses among all, whatever their doubt.

    Returns:
        Names, the most useful first.
    """
    order = sorted(scores, key=lambda name: (-scores[name], name))
    among = order[: pool * count] if pool else order
    if pool == 1 or len(among) <= count:
        return among[:count]
    every = standardized(np.stack([*(vectors[name] for name in among), *known]))
    return [among[index] for index in farthest_first(every[: len(among)], every[len(among) :], count)]


def draw(names: Sequence[str], count: int, seed: int) -> List[str]:
    """Draw images at random, the control of every other choice.

    Args:
        names: Their names, in any order.
        count: Number of images.
        seed: Seed of ``numpy.random.RandomState``, whose stream NumPy guarantees to keep.
    """
    ordered = sorted(names)
    return [ordered[index] for index in np.random.RandomState(seed).permutation(len(ordered))[:count]]
