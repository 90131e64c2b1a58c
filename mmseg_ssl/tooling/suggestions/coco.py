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
from .run_lengths import decompressed, from_run_lengths, run_lengths

PARTS = ('images', 'annotations', 'categories')
AGAIN = 'Export it again, as "COCO".'
MOST_PIXELS = 2**30
"""Of an image: a larger one is a wrong number, and would fill the memory."""


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
    content = read_json(path, AGAIN)
    if not isinstance(content, dict) or not set(PARTS) <= set(content):
        raise UserError(
            f'{path} is no file of COCO annotations: it lacks {", ".join(PARTS[:2])} or {PARTS[2]}. {AGAIN}'
        )
    for part in PARTS:
        if not isinstance(content[part], list) or not all(isinstance(entry, dict) for entry in content[part]):
            raise UserError(f'{path}: "{part}" is no list of entries. {AGAIN}')
    try:
        names = {category['id']: category['name'] for category in content['categories']}
        files = {image['id']: image['file_name'] for image in content['images']}
        sizes = {image['id']: (image['height'], image['width']) for image in content['images']}
    except (KeyError, TypeError) as error:
        lack = f'{error} is missing' if isinstance(error, KeyError) else 'an id is neither number nor text'
        raise UserError(
            f'{path}: an image needs id, file_name, height and width, and a category id and name; {lack}. {AGAIN}'
        ) from error
    if len(set(files.values())) < len(content['images']):
        raise UserError(f'{path} lists an image twice. Keep one entry of each id and file_name.')
    masks = {number: _empty_mask(path, files[number], size) for number, size in sizes.items()}
    for annotation in content['annotations']:
        where, number = f'{path}: annotation {annotation.get("id")}', annotation.get('category_id')
        try:
            mask = masks[annotation.get('image_id')]
        except (KeyError, TypeError) as error:
            raise UserError(f'{where} is of image {error}, which the file does not list. Remove it.') from error
        label = _label(names, number, classes, where)
        try:
            height, width = mask.shape
            mask[_region(annotation.get('segmentation'), (height, width))] = label
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(f'{where} cannot be drawn: {error}. Draw it again, or remove it.') from error
    return {file: masks[number] for number, file in files.items()}


def _empty_mask(path: Path, file: Any, size: Tuple[Any, Any]) -> np.ndarray:
    """Return a mask ``(H, W)`` without a class, of the size that the file gives of an image."""
    known = isinstance(file, str) and all(isinstance(side, (int, float)) and 0 < side == side // 1 for side in size)
    if not known or size[0] * size[1] > MOST_PIXELS:
        raise UserError(f'{path}: the image {file!r} is {size[1]!r} wide and {size[0]!r} high. Correct the entry.')
    return np.full((int(size[0]), int(size[1])), IGNORE_INDEX, np.uint8)


def _label(names: Dict[Any, Any], number: Any, classes: Sequence[str], where: str) -> int:
    """Return the index of the class of a category."""
    name = names.get(number) if isinstance(number, (int, str)) else None
    if name not in classes:
        known = (
            f'of the class {name!r}' if name is not None else f'of category {number!r}, which the file does not list'
        )
        raise UserError(
            f'{where} is {known}; the classes are {", ".join(classes)}. Rename the class where it was labeled, and '
            'export again, or remove what is of it.'
        )
    return classes.index(name)


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
        if not np.isfinite(corners).all():
            raise ValueError('a corner of a polygon is no number')
        left, top = np.floor(corners.min(axis=0)).clip(0, size[::-1]).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).clip(0, size[::-1]).astype(int)
        columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        # a pixel is inside if its middle is; OpenCV would draw the outline, too
        middles = np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5
        drawn[top:bottom, left:right] |= Outline(corners).contains_points(middles).reshape(columns.shape)
    return drawn
