"""The scribbles of ScribbleSup (Lin et al., CVPR 2016) as they were published: polylines in XML files."""

from typing import Sequence
from xml.etree import ElementTree

import cv2
import numpy as np

from ..errors import DatasetError

SHORT_TAGS = {
    'plane': 'aeroplane',
    'bike': 'bicycle',
    'table': 'diningtable',
    'plant': 'pottedplant',
    'monitor': 'tvmonitor',
}
"""Tags of the published files -> classes of VOC."""


def draw_polylines(content: bytes, classes: Sequence[str], width: int, fill: int) -> np.ndarray:
    """Draw the scribbles of one image into an index mask.

    ::

        <annotation>
          <size> <height>375</height> <width>500</width> </size>
          <polygon> <tag>person</tag> <point> <X>12</X> <Y>30</Y> </point> ... </polygon> ...
        </annotation>

    A polygon is an open line, or a dot if it has one point. Points count from 0; lines are clipped to the image. Later
    lines cover earlier ones.

    Args:
        content: Content of the file.
        classes: Names by class index; tags match in any case, those of :data:`SHORT_TAGS` under both names.
        width: Width of lines in pixels; 3 in the index masks that rloss (Tang et al., ECCV 2018) made from the files.
        fill: Value of pixels without a scribble.

    Returns:
        ``(H, W)`` uint8.

    Raises:
        DatasetError: The file does not have this form, or names a class that is not in ``classes``.
    """
    try:
        root = ElementTree.fromstring(content)
        size = [int(root.findtext(f'size/{side}', '')) for side in ('height', 'width')]
        lines = [(line.findtext('tag', '').strip().lower(), _points(line)) for line in root.iter('polygon')]
    except (ElementTree.ParseError, ValueError) as error:
        raise DatasetError(
            f'not a ScribbleSup file, which has size/height, size/width and polygons with tag, point/X and point/Y '
            f'({error})'
        ) from error
    indices = {name.strip().lower(): index for index, name in enumerate(classes)}
    indices.update({tag: indices[name] for tag, name in SHORT_TAGS.items() if name in indices and tag not in indices})
    unknown = sorted({tag for tag, _ in lines} - set(indices))
    if unknown:
        raise DatasetError(f'names the classes {unknown}, known are {list(classes)}')
    mask = np.full(size, fill, np.uint8)
    for tag, points in lines:
        cv2.polylines(mask, [points], isClosed=False, color=(indices[tag],), thickness=width)
    return mask


def _points(line: ElementTree.Element) -> np.ndarray:
    """Return the points (N, 1, 2) of a line, x before y, as OpenCV wants them."""
    points = [[round(float(point.findtext(axis, ''))) for axis in 'XY'] for point in line.iter('point')]
    # one point is no segment, and would not be drawn
    return np.array(points * 2 if len(points) == 1 else points, np.int32).reshape(-1, 1, 2)
