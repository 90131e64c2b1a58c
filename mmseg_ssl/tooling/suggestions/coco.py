"""Masks as COCO annotations, which CVAT, FiftyOne and others read, and back; pycocotools is not needed.

Every connected region of a class is an annotation, whose pixels are run lengths without compression: ``{'size':
[height, width], 'counts': [...]}``, column by column, beginning with the pixels outside. So nothing is lost. Of regions
that are one, CVAT makes polygons without a group: annotations of a group are exported last, above what was drawn over
them. Run lengths are read as numbers or as COCO's compressed text; polygons, which a tool may write of what was
corrected, are read, too.
"""

import json
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import cv2
import numpy as np
from matplotlib.path import Path as Outline

from ...structures import IGNORE_INDEX
from ..cli import UserError, read_json


def run_lengths(inside: np.ndarray) -> List[int]:
    """Encode a region: numbers of pixels outside, inside, outside, ... column by column.

    Args:
        inside: ``(H, W)`` bool.

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        [1, 3]
    """
    flat = inside.ravel(order='F')
    borders = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *borders.tolist(), flat.size]).tolist()
    return [0, *lengths] if flat[0] else lengths


def from_run_lengths(lengths: Sequence[int], size: Tuple[int, int]) -> np.ndarray:
    """Decode a region ``(H, W)`` bool; the inverse of :func:`run_lengths`.

    Raises:
        ValueError: The lengths are not those of an image of this size.
    """
    counts = np.asarray(lengths, np.int64)
    if (counts < 0).any() or counts.sum() != size[0] * size[1]:
        raise ValueError(f'run lengths of {counts.sum()} pixels, the image has {size[0] * size[1]}')
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(size, order='F')


def decompressed(text: str) -> List[int]:
    """Return the run lengths of COCO's compressed text.

    Each number is written in digits of 5 bits from the lowest, as characters from ``'0'``, with a sixth bit where more
    follow; the sign is the highest bit of the last digit. From the fourth on, a number is the difference to the one two
    places before.

    Example:
        >>> decompressed('13')
        [1, 3]
    """
    lengths: List[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    return lengths


def write_coco(path: Path, images: Iterable[Tuple[str, np.ndarray]], classes: Sequence[str]) -> None:
    """Write masks as COCO annotations.

    Args:
        path: The JSON file.
        images: File name of an image below its folder, and its classes ``(H, W)``; 255 has no annotation.
        classes: Their names.
    """
    listed: List[Dict[str, Any]] = []
    annotations: List[Dict[str, Any]] = []
    for name, mask in images:
        height, width = mask.shape
        listed.append(dict(id=len(listed) + 1, file_name=name, height=height, width=width))
        for label, lengths, box in _regions(mask):
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=len(listed),
                    category_id=label + 1,
                    segmentation=dict(size=[height, width], counts=lengths),
                    area=sum(lengths[1::2]),
                    bbox=box,
                    iscrowd=1,  # COCO's word for a region given by run lengths
                )
            )
    categories = [dict(id=number + 1, name=name, supercategory='') for number, name in enumerate(classes)]
    content = dict(images=listed, annotations=annotations, categories=categories)
    path.write_text(json.dumps(content), encoding='utf-8')


def _regions(mask: np.ndarray) -> Iterator[Tuple[int, List[int], List[int]]]:
    """Yield class, run lengths and box (left, top, width, height) of every connected region."""
    height = len(mask)
    for label in np.unique(mask[mask != IGNORE_INDEX]).tolist():
        # corners connect, as in the outlines that OpenCV finds
        count, numbers, facts, _ = cv2.connectedComponentsWithStats((mask == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            left, top, across, down = facts[number, :4].tolist()
            # of its columns alone: there may be many small regions in a large image
            lengths = run_lengths(numbers[:, left : left + across] == number)
            lengths[0] += left * height
            if len(lengths) % 2 == 0:  # ends inside
                lengths.append(0)
            lengths[-1] += mask.size - (left + across) * height
            yield label, lengths if lengths[-1] else lengths[:-1], [left, top, across, down]


def read_coco(path: Path, classes: Sequence[str]) -> Dict[str, np.ndarray]:
    """Read masks from COCO annotations; where several cover a pixel, the last one counts.

    Args:
        path: The JSON file.
        classes: Names of the classes, in their order.

    Returns:
        File name of an image -> classes ``(H, W)`` uint8; 255 where there is no annotation.

    Raises:
        UserError: It is no such file, names an image twice or an unknown class, or an annotation cannot be drawn;
            says which.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not {'images', 'annotations', 'categories'} <= set(content):
        raise UserError(f'{path} is no file of COCO annotations: it lacks images, annotations or categories.')
    try:
        names = {category['id']: category['name'] for category in content['categories']}
        files = {image['id']: image['file_name'] for image in content['images']}
        masks = {
            image['id']: np.full((image['height'], image['width']), IGNORE_INDEX, np.uint8)
            for image in content['images']
        }
    except (KeyError, TypeError) as error:
        raise UserError(
            f'{path}: an image needs id, file_name, height and width, and a category id and name; {error} is missing.'
        ) from error
    if len(set(files.values())) < len(content['images']):
        raise UserError(f'{path} lists an image twice. Keep one entry of each id and file_name.')
    for annotation in content['annotations']:
        where = f'{path}: annotation {annotation.get("id")}'
        name, mask = names.get(annotation.get('category_id')), masks.get(annotation.get('image_id'))
        if mask is None:
            raise UserError(f'{where} is of image {annotation.get("image_id")}, which the file does not list.')
        if name not in classes:
            raise UserError(f'{where} is of the class {name!r}; the classes are {", ".join(classes)}.')
        try:
            height, width = mask.shape
            mask[_region(annotation.get('segmentation'), (height, width))] = classes.index(name)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f'{where} cannot be drawn: {error}.') from error
    return {file: masks[number] for number, file in files.items()}


def _region(segmentation: Any, size: Tuple[int, int]) -> np.ndarray:
    """Draw run lengths or polygons as ``(H, W)`` bool."""
    if isinstance(segmentation, dict):
        if tuple(segmentation['size']) != tuple(size):
            raise ValueError(f'its size is {tuple(segmentation["size"])}, that of its image {tuple(size)}')
        counts = segmentation['counts']
        return from_run_lengths(decompressed(counts) if isinstance(counts, str) else counts, size)
    if not segmentation:
        raise ValueError('it has no outline and no run lengths, at most a box')
    drawn = np.zeros(size, bool)
    for polygon in segmentation:
        corners = np.asarray(polygon, float).reshape(-1, 2)
        if len(corners) < 3:
            raise ValueError(f'a polygon needs three corners, this one has {len(corners)}')
        left, top = np.floor(corners.min(axis=0)).clip(0, size[::-1]).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).clip(0, size[::-1]).astype(int)
        columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        # a pixel is inside if its middle is; OpenCV would draw the outline, too
        middles = np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5
        drawn[top:bottom, left:right] |= Outline(corners).contains_points(middles).reshape(columns.shape)
    return drawn
