"""Reads a mask file as the dataset's pipeline does, and tells what each of its values means to a loss."""

from typing import Any, Dict, NamedTuple, Optional, Tuple

import mmcv
import numpy as np
from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.datasets.transforms import LoadAnnotations

from ...errors import DatasetError
from ...structures import IGNORE_INDEX
from ..pipelines import pipeline_steps
from ..transforms import LoadScribbles, find_scribble_loader
from .image_files import Size, instead_of, undecodable, unreadable
from .palettes import Color, palette_of

UNKNOWN, IGNORED = -1, -2
UNREADABLE = ('missing mask', 'unreadable mask', 'damaged mask')
"""Kinds of problems of a mask that has no pixels."""


class MaskFacts(NamedTuple):
    """Facts about a mask file.

    Attributes:
        path: The file.
        size: Width and height.
        values: The values that occur in the file, sorted.
        counts: Number of pixels of each value.
        palette: Color of each value, if the file has a palette.
        kind: Short name of the problem; empty if there is none.
        problem: The problem, and the fix.
    """

    path: str
    size: Optional[Size] = None
    values: np.ndarray = np.zeros(0, np.int64)
    counts: np.ndarray = np.zeros(0, np.int64)
    palette: Dict[int, Color] = {}
    kind: str = ''
    problem: str = ''


def label_loader(dataset: BaseDataset) -> Any:
    """Return the pipeline step that reads a dataset's masks; the host's own if there is none.

    Args:
        dataset: A built dataset.
    """
    for step in pipeline_steps(dataset):
        if isinstance(step, LoadAnnotations) or 'Annotation' in type(step).__name__:
            return step
    return LoadAnnotations()


def meanings(dataset: BaseDataset, info: dict, num_classes: int) -> np.ndarray:
    """Return what the loader turns each value of a file into: a class, ``IGNORED`` or ``UNKNOWN``.

    Args:
        dataset: A built dataset.
        info: The dataset's info of an image.
        num_classes: Number of its classes.

    Returns:
        ``(256,)`` int64.
    """
    labels: np.ndarray = np.arange(256)
    loader = label_loader(dataset)
    if isinstance(loader, LoadAnnotations):
        if info.get('reduce_zero_label') and not isinstance(loader, LoadScribbles):
            labels = np.where(np.isin(labels, [0, 255]), 255, labels - 1)
        before = labels.copy()
        for old, new in (info.get('label_map') or {}).items():
            labels[before == old] = new
    ignore = getattr(dataset, 'ignore_index', IGNORE_INDEX)
    known = np.where(labels < num_classes, labels, UNKNOWN)
    known[labels == ignore] = IGNORED
    if isinstance(loader, LoadScribbles):
        known[ignore] = UNKNOWN
        known[list(loader.file_values)] = IGNORED
    return known


def read_mask(dataset: BaseDataset, info: dict) -> MaskFacts:
    """Decode a mask and count its values.

    Args:
        dataset: A built dataset.
        info: The dataset's info of the image.
    """
    facts, _ = open_mask(dataset, info)
    if facts.problem:
        advice = 'Every labeled image needs its mask: get the file again, correct data_prefix.seg_map_path and '
        advice += 'seg_map_suffix, or remove it from the list.'
        return facts._replace(problem=f'{facts.problem} {advice if facts.kind in UNREADABLE else ""}'.rstrip())
    return facts


def open_mask(dataset: BaseDataset, info: dict) -> Tuple[MaskFacts, np.ndarray]:
    """Decode a mask, count its values, and return them, too.

    Args:
        dataset: A built dataset.
        info: The dataset's info of the image.

    Returns:
        The facts, and the values of the file ``(H, W)``; of a file with a problem, whatever was decoded.
    """
    path, backend, nothing = info['seg_map_path'], getattr(dataset, 'backend_args', None), np.zeros((0, 0), np.uint8)
    try:
        if not fileio.exists(path, backend_args=backend):
            return MaskFacts(path, kind='missing mask', problem=f'missing{instead_of(path)}.'), nothing
        content = fileio.get(path, backend_args=backend)
    except OSError as error:
        return MaskFacts(path, kind='unreadable mask', problem=f'{unreadable(error)}.'), nothing
    if is_lossy(content):
        return MaskFacts(
            path,
            kind='lossy mask',
            problem='is JPEG or lossy WebP by its content: compression changes the class indices along every edge. '
            'Export the masks again as PNG (converting these files keeps the damage).',
        ), nothing
    try:
        mask = np.asarray(decode_mask(dataset, info, content))
    except DatasetError as error:
        return MaskFacts(path, kind='damaged mask', problem=f'{error}.'), nothing
    except Exception as error:  # decoders raise many kinds
        return MaskFacts(path, kind='damaged mask', problem=f'{undecodable(error, content)}.'), nothing
    mask = mask[..., 0] if mask.ndim == 3 and mask.shape[2] == 1 else mask
    return _facts_of(dataset, info, mask, content), mask


def _facts_of(dataset: BaseDataset, info: dict, mask: np.ndarray, content: bytes) -> MaskFacts:
    """Return the facts of a mask that could be decoded."""
    path, size = info['seg_map_path'], (mask.shape[1], mask.shape[0])
    if mask.ndim != 2:
        problem = f'the mask has {mask.shape[-1]} channels, expected one that holds class indices.'
        return MaskFacts(path, size, kind='color mask', problem=problem)
    scribbles = find_scribble_loader(dataset)
    doubts = list(scribbles.problems(mask, info)) if scribbles else []
    if doubts:
        return MaskFacts(path, size, kind='scribbles', problem=f'{doubts[0]}.')
    values, counts = _count_values(mask)
    return MaskFacts(path, size, values, counts, palette=palette_of(content, values.tolist()))


def decode_mask(dataset: BaseDataset, info: dict, content: bytes) -> np.ndarray:
    """Decode the values of a mask file, before the loader casts them to 8 bits.

    Args:
        dataset: A built dataset.
        info: The dataset's info of the image.
        content: Content of the file.

    Returns:
        ``(H, W)`` or ``(H, W, channels)``.
    """
    path, loader = info['seg_map_path'], label_loader(dataset)
    scribbles = find_scribble_loader(dataset)
    if scribbles:
        return scribbles.decode(content, path)
    if getattr(type(loader), '_load_seg_map', None) is not LoadAnnotations._load_seg_map:
        return loader(dict(info, seg_fields=[]))['gt_seg_map']
    mask = mmcv.imfrombytes(content, flag='unchanged', backend=loader.imdecode_backend)
    if mask is None:
        raise ValueError('not an image format that the loader knows')
    return mask


def is_lossy(content: bytes) -> bool:
    """Check if a file's format changes pixel values, whatever its suffix.

    Args:
        content: Content of the file, or its first 16 bytes.
    """
    return content[:3] == b'\xff\xd8\xff' or (content[8:12] == b'WEBP' and content[12:16] == b'VP8 ')


def unexplained(mask: MaskFacts, known: np.ndarray) -> np.ndarray:
    """Return the indices into ``mask.values`` of values without a meaning.

    Args:
        mask: A mask.
        known: From :func:`meanings`.
    """
    inside = (mask.values >= 0) & (mask.values < 256) & (mask.values % 1 == 0)
    index = np.where(inside, mask.values, 0).astype(np.int64)
    return np.flatnonzero(~inside | (known[index] == UNKNOWN))


def _count_values(mask: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return values and their pixels, without the loader's cast to uint8, in which 300 would pass as 44."""
    if mask.dtype in (np.uint8, np.bool_):
        counts = np.bincount(mask.ravel(), minlength=256)
        values = np.flatnonzero(counts)
        return values, counts[values]
    return np.unique(mask, return_counts=True)
