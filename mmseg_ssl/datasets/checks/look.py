"""Reads the files of a set, many at a time."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.utils import ProgressBar

from .image_files import ImageFacts, read_image
from .mask_files import MaskFacts, read_mask

CHUNK = 32


class Seen(NamedTuple):
    """An image that was looked at.

    Attributes:
        number: Its index in the dataset.
        image: The image file.
        mask: The mask file; None if masks are not wanted or not configured.
    """

    number: int
    image: ImageFacts
    mask: Optional[MaskFacts]


def leaves(key: str, dataset: BaseDataset) -> Iterator[Tuple[str, BaseDataset]]:
    """Yield the datasets inside of wrappers, with their place in the config.

    Args:
        key: Place of the dataset.
        dataset: A built dataset.
    """
    if hasattr(dataset, 'datasets'):
        for number, part in enumerate(dataset.datasets):
            yield from leaves(f'{key}.datasets.{number}', part)
    elif hasattr(dataset, 'dataset'):
        yield from leaves(f'{key}.dataset', dataset.dataset)
    else:
        yield key, dataset


def evenly_spaced(number: int, limit: Optional[int]) -> List[int]:
    """Return the indices of all images, or of ``limit`` evenly spaced ones.

    Args:
        number: Size of the set.
        limit: Largest number of indices; None for all.

    Example:
        >>> evenly_spaced(9, 3)
        [0, 4, 8]
    """
    if limit is None or number <= limit:
        return list(range(number))
    return np.linspace(0, number - 1, limit).round().astype(int).tolist()


def look_at(dataset: BaseDataset, indices: List[int], with_masks: bool, decode: bool) -> List[Seen]:
    """Read images and masks of a dataset, with a progress bar on a terminal.

    Args:
        dataset: A built dataset.
        indices: Indices of the images.
        with_masks: Decode their masks, too.
        decode: Decode the images, see :func:`read_image`.
    """

    def look(index: int) -> Seen:
        info = dataset.get_data_info(index)
        mask = read_mask(dataset, info) if with_masks and info.get('seg_map_path') else None
        return Seen(index, read_image(dataset, info, decode, sized=with_masks), mask)

    chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
    bar = ProgressBar(len(indices), file=sys.stderr) if sys.stderr.isatty() else None
    seen: List[Seen] = []
    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter lock
        for some in pool.map(lambda chunk: [look(index) for index in chunk], chunks):
            seen += some
            if bar:
                bar.update(len(some))
    if bar:
        sys.stderr.write('\n')
    return seen
