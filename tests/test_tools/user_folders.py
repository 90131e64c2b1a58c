"""Folders of images and masks as users have them, with known faults."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

COLORS = np.array([[0, 0, 0], [200, 30, 30], [30, 200, 30]], np.uint8)
"""Red, green and blue of three classes."""


def scene(number: int, size=(48, 64)):
    """Draw an image that resembles no other, and its mask of three classes."""
    rng = np.random.RandomState(number)
    mask = np.zeros(size, np.uint8)
    mask[size[0] // 2 :] = 1
    top, left = rng.randint(0, size[0] - 24), rng.randint(0, size[1] - 24)
    mask[top : top + 20, left : left + 20] = 2
    blocks = cv2.resize(rng.randint(0, 180, (6, 8, 3)).astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return (blocks + COLORS[mask] // 4).astype(np.uint8), mask


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def draw(root: Path, masked=10, plain=16, change=lambda mask: mask, name='photo{}', end='.png', suffix='.jpg') -> Path:
    """Draw ``root/photos`` and ``root/masks``; ``change`` makes the user's kind of mask of class indices."""
    for number in range(masked + plain):
        image, mask = scene(number)
        write(root / 'photos' / f'{name.format(number)}{suffix}', image)
        if number < masked:
            write(root / 'masks' / f'{name.format(number)}{end}', change(mask))
    return root


def with_palettes(root: Path, order) -> None:
    """Give the drawn masks palettes: ``order(number)`` lists the classes by the index that each has in a mask."""
    for path in (root / 'masks').iterdir():
        number = int(path.stem[5:])
        mask = Image.fromarray(np.argsort(order(number)).astype(np.uint8)[scene(number)[1]])
        mask.putpalette([*COLORS[order(number)].ravel().tolist(), number, 9, 9])  # the last color is not used
        mask.save(path)


def content(folder: Path):
    """Bytes of every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
