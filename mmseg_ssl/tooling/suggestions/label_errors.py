"""Labels that a network contradicts with confidence: regions of a mask that are probably wrong.

After confident learning (Northcutt, Jiang & Chuang, JAIR 2021): a pixel is contradicted if the network names another
class about as confidently as where it agrees with labels of that class. Single pixels say little, because every border
is contradicted a little: touching pixels of one given and one predicted class form a region, and thin ones are dropped.

A region counts by its share of the image times the mean confidence times the surprise, :math:`-\\ln P(given |
predicted)` over all other images: where a network often takes dogs for cats, one more such region is rather its own
error.
"""

from typing import Iterator, List, NamedTuple, Tuple

import cv2
import numpy as np

from ...structures import IGNORE_INDEX

THIN = 0.01
"""Regions narrower than twice this share of the image's shorter side are dropped: errors of a drawn border."""
SLACK = 0.8
"""Share of the confidence with which a class agrees with labels, from which it contradicts them. With 1 half of the
pixels of a planted error are missed, because they are below the mean; with 0 doubtful predictions contradict, too."""


class LabelError(NamedTuple):
    """A region whose label is contradicted."""

    image: str
    given: int
    predicted: int
    share: float  # of the image's pixels
    confidence: float  # mean of the network's, in [0, 1]
    surprise: float  # of such a label at such a prediction, in nats
    box: Tuple[int, int, int, int]  # left, top, width, height in pixels

    @property
    def score(self) -> float:
        """Rank of the region among others."""
        return self.share * self.confidence * self.surprise


class Agreement:
    """How often each label meets each prediction, and how confident the network is where they agree.

    Args:
        count: Number of classes ``C``.
    """

    def __init__(self, count: int) -> None:
        self.pairs = np.zeros((count, count))  # given, predicted -> pixels
        self.confidence = np.zeros(count)  # sum over the pixels that agree

    def add(self, label: np.ndarray, mask: np.ndarray, confidence: np.ndarray) -> None:
        """Count the pixels of an image.

        Args:
            label: ``(H, W)`` given classes or 255.
            mask: ``(H, W)`` predicted ones.
            confidence: ``(H, W)`` in [0, 1].
        """
        same, count = label == mask, len(self.confidence)
        self.pairs += pair_counts(label, mask, count)
        self.confidence += np.bincount(mask[same], confidence[same].astype(float), count)[:count]

    def thresholds(self) -> np.ndarray:
        """Return the confidence from which a class contradicts ``(C,)``, ``SLACK`` for one that agrees nowhere.

        A rare class may be in one image alone, and its label there be the wrong one.
        """
        agreeing = self.pairs.diagonal()
        return SLACK * np.where(agreeing > 0, self.confidence / np.maximum(agreeing, 1), 1.0)

    def surprise(self, label: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return how unexpected a label is at a prediction by all images but this one.

        Args:
            label: As for :meth:`add`, of an image that was added.
            mask: Likewise.

        Returns:
            ``(C, C)`` in nats, by given and predicted class; one more pixel of every pair is counted.
        """
        others = self.pairs - pair_counts(label, mask, len(self.pairs)) + 1
        return -np.log(others / others.sum(axis=0))


def pair_counts(label: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """Count the pixels of each given and predicted class ``(C, C)``; ignored ones are left out."""
    known = label != IGNORE_INDEX
    pairs = label[known].astype(np.int64) * count + mask[known]
    return np.bincount(pairs, minlength=count**2).reshape(count, count).astype(float)


def find_errors(
    image: str, label: np.ndarray, mask: np.ndarray, confidence: np.ndarray, agreement: Agreement
) -> Iterator[Tuple[LabelError, np.ndarray]]:
    """Find the contradicted regions of an image.

    Args:
        image: Its name.
        label: ``(H, W)`` given classes; 255 is never contradicted.
        mask: ``(H, W)`` predicted classes.
        confidence: ``(H, W)``, the network's in the predicted class, in [0, 1].
        agreement: Of all images, this one included.

    Yields:
        A region, and where it is, ``(H, W)`` bool.
    """
    thresholds, surprise = agreement.thresholds(), agreement.surprise(label, mask)
    contradicted = (label != IGNORE_INDEX) & (mask != label) & (confidence >= thresholds[mask])
    side = 1 + 2 * max(1, round(THIN * min(label.shape)))
    kernel = np.ones((side, side), np.uint8)
    pairs = np.unique(np.stack([label[contradicted], mask[contradicted]]), axis=1).T
    for given, predicted in pairs.tolist():
        where = (contradicted & (label == given) & (mask == predicted)).astype(np.uint8)
        thick = cv2.morphologyEx(where, cv2.MORPH_OPEN, kernel)
        number, parts, facts, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
        for part in range(1, number):
            inside = parts == part
            left, top, width, height, area = facts[part].tolist()
            box = (left, top, width, height)
            mean = float(confidence[inside].mean())
            unexpected = float(surprise[given, predicted])
            yield LabelError(image, given, predicted, area / label.size, mean, unexpected, box), inside


def ranked(errors: List[LabelError]) -> List[LabelError]:
    """Return regions, the likeliest errors first; equal ones by name and place."""
    return sorted(errors, key=lambda error: (-error.score, error.image, error.box))
