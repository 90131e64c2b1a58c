"""Counts of the images that a run trains on, and of those that are in its validation or test set as well."""

import hashlib
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple

from .apply_split import image_paths
from .same_files import find_copies
from .semi_dataset import SemiDataset
from .splits import list_name


class DataSummary(NamedTuple):
    """Numbers of distinct images, and the list of the labeled ones."""

    labeled: int
    total: int  # labeled or unlabeled
    unlabeled: int
    shared: int  # labeled and unlabeled, by path or content
    list: str  # short name; '' where a whole folder is labeled
    hash: str  # first digits of its SHA-256, as in configs/splits/index.json; without a list, of the images' names

    def __str__(self) -> str:
        """Return one line for the log."""
        source = self.list or 'no list: every image of its folder'
        return (
            f'{self.labeled} labeled of {self.total} ({source}, hash {self.hash}), {self.unlabeled} unlabeled, '
            f'{self.shared} shared'
        )


class Overlap(NamedTuple):
    """Training images that are also in a set for validation or test, by path or content."""

    name: str  # val or test
    images: int  # of that set
    labeled: List[str]
    unlabeled: List[str]

    def __str__(self) -> str:
        """Return one line for the log."""
        return (
            f'{self.name}: {self.images} images, {len(self.labeled)} of them labeled and {len(self.unlabeled)} '
            'unlabeled in training'
        )


def summarize_data(dataset: Any) -> DataSummary:
    """Count the images of a training set.

    Args:
        dataset: A :class:`SemiDataset`; any other dataset counts as labeled.
    """
    labeled, unlabeled = _labeled_and_unlabeled(dataset)
    shared = len(find_copies(labeled, unlabeled))
    lists = sorted(set(_lists_read_by(getattr(dataset, 'labeled', dataset))))
    content = b''.join(Path(path).read_bytes() for path in lists)
    return DataSummary(
        labeled=len(labeled),
        total=len(labeled) + len(unlabeled) - shared,
        unlabeled=len(unlabeled),
        shared=shared,
        list=' and '.join(map(list_name, lists)),
        hash=hashlib.sha256(content or '\n'.join(Path(path).name for path in labeled).encode()).hexdigest()[:8],
    )


def find_overlap(dataset: Any, name: str, other: Any) -> Overlap:
    """Compare the training images with those of another set.

    Args:
        dataset: The training set.
        name: Name of the other set.
        other: The other set.
    """
    images = image_paths(other)
    shared = (sorted(find_copies(paths, images)) for paths in _labeled_and_unlabeled(dataset))
    return Overlap(name, len(images), *shared)


def _labeled_and_unlabeled(dataset: Any) -> List[List[str]]:
    """Return the paths of the labeled and of the unlabeled images."""
    if not isinstance(dataset, SemiDataset):
        return [image_paths(dataset), []]
    return [image_paths(dataset.labeled), image_paths(dataset.unlabeled) if dataset.unlabeled is not None else []]


def _lists_read_by(dataset: Any) -> Iterator[str]:
    """Yield the lists that a dataset, or those inside it, got their images from."""
    inner = [*getattr(dataset, 'datasets', ()), *filter(None, [getattr(dataset, 'dataset', None)])]
    for part in inner:
        yield from _lists_read_by(part)
    path = getattr(dataset, 'ann_file', '')
    if not inner and path and Path(path).is_file():
        yield path
