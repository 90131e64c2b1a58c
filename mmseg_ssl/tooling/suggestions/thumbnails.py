"""Small pictures of an image, its masks, and the regions that want a look."""

import io
from functools import lru_cache
from pathlib import Path
from typing import Any, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...structures import IGNORE_INDEX
from ...utils.atomic_files import replace_file
from ..prediction_folder import as_picture

SIDE, GAP, LINE = 420, 6, 20
MARK = ((255, 255, 255), (255, 0, 200))
"""Colors of an outline, first the wider one below: together they are seen on any photo."""


class Panel(NamedTuple):
    """A picture with a title."""

    title: str
    picture: np.ndarray  # (H, W, 3) uint8, red, green, blue


class Legend(NamedTuple):
    """Names and colors of the classes."""

    classes: Sequence[str]
    palette: np.ndarray  # (C, 3) uint8, red, green, blue


def shrunk(values: np.ndarray, area: bool = True) -> np.ndarray:
    """Resize an image or a map so that its longer side has ``SIDE`` pixels.

    Args:
        values: ``(H, W)`` or ``(H, W, 3)``.
        area: Average; False for classes.
    """
    height, width = values.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(values, size, interpolation=smooth if area else cv2.INTER_NEAREST)


def painted(photo: np.ndarray, mask: np.ndarray, legend: Legend) -> np.ndarray:
    """Paint the classes of a mask over a photo; ignored pixels stay gray.

    Args:
        photo: ``(H, W, 3)`` uint8, red, green, blue.
        mask: ``(H, W)`` classes or 255.
        legend: Their colors.
    """
    known = mask < len(legend.palette)
    colors = legend.palette[np.where(known, mask, 0)]
    gray = photo.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.where(known[..., None], 0.4 * photo + 0.6 * colors, gray).round().astype(np.uint8)


def outlined(picture: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Draw the outlines of regions ``(H, W)`` bool on a picture of the same size."""
    contours = cv2.findContours(regions.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    drawn = np.ascontiguousarray(picture)
    for color, width in zip(MARK, (4, 2)):
        drawn = cv2.drawContours(drawn, contours, -1, color, width, cv2.LINE_AA)
    return drawn


def doubtful_regions(doubts: Sequence[np.ndarray], share: float = 0.1, least: float = 0.05) -> List[np.ndarray]:
    """Find the most doubtful regions of images that are shown together.

    Args:
        doubts: A map ``(H, W)`` of each image.
        share: Share of all pixels that count as doubtful: images with more doubt have more of them.
        least: Share of the pixels of every image that count all the same.

    Returns:
        ``(H, W)`` bool for each image, without specks.
    """
    smooth = [cv2.GaussianBlur(doubt.astype(np.float32), (0, 0), SIDE / 100) for doubt in doubts]
    common = float(np.quantile(np.concatenate([doubt.ravel() for doubt in smooth]), 1 - share)) if smooth else 0.0
    limits = [min(common, float(np.quantile(doubt, 1 - least))) for doubt in smooth]
    # a share of the range below: in a map of a few values, smoothing leaves the highest one a little uneven
    limits = [limit - 1e-3 * float(np.ptp(doubt)) for doubt, limit in zip(smooth, limits)]
    return [(doubt >= limit) & (doubt > doubt.min()) for doubt, limit in zip(smooth, limits)]


def write_thumbnail(path: Path, headline: str, panels: Sequence[Panel], shown: np.ndarray, legend: Legend) -> None:
    """Write panels side by side, a line of text above and the legend of the classes below.

    Args:
        path: The JPEG file.
        headline: The text.
        panels: Of one size.
        shown: Classes that the legend explains.
        legend: Names and colors of all.
    """
    height, width = panels[0].picture.shape[:2]
    across = len(panels) * (width + GAP) - GAP
    entries = _placed([int(label) for label in np.unique(shown) if label != IGNORE_INDEX], legend, across)
    rows = 1 + max((row for _, _, row in entries), default=-1)
    picture = Image.new('RGB', (across, 2 * LINE + height + rows * LINE + GAP), 'white')
    draw = ImageDraw.Draw(picture)
    draw.text((2, 2), headline, 'black', _font())
    for number, panel in enumerate(panels):
        left = number * (width + GAP)
        draw.text((left + 2, LINE + 2), panel.title, (90, 90, 90), _font())
        picture.paste(Image.fromarray(panel.picture), (left, 2 * LINE))
    for label, left, row in entries:
        top = 2 * LINE + height + GAP // 2 + row * LINE
        draw.rectangle((left, top + 4, left + 12, top + 16), tuple(legend.palette[label].tolist()), 'black')
        draw.text((left + 17, top + 2), legend.classes[label], 'black', _font())
    content = io.BytesIO()
    picture.save(content, 'JPEG', quality=88)
    replace_file(path, content.getvalue())


def thumbnail_path(folder: Path, rank: int, name: str) -> Path:
    """Return the file of a thumbnail; files have the order of the ranks, whatever the subfolders of the images."""
    return folder / 'thumbnails' / f'{rank:04d}_{name.replace("/", "_")}.jpg'


def photo_of(pixels: np.ndarray) -> np.ndarray:
    """Return an image as the network reads it as red, green, blue."""
    return np.ascontiguousarray(as_picture(pixels)[..., ::-1])


def _placed(labels: Sequence[int], legend: Legend, across: int) -> List[Tuple[int, int, int]]:
    """Place the legend's entries: class, left side and row of each."""
    placed, left, row = [], 2, 0
    for label in labels:
        width = 32 + round(_font().getlength(legend.classes[label]))
        if left > 2 and left + width > across:
            left, row = 2, row + 1
        placed.append((label, left, row))
        left += width
    return placed


@lru_cache(maxsize=None)
def _font() -> Any:
    """Return a font that has the letters of most languages; Pillow's own has few."""
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont('DejaVu Sans'), 13)
