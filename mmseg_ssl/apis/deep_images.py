"""Warns of images with more than 8 bits of which a network would see nearly nothing."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Sequence, TypeVar

from ..datasets.checks.image_files import read_image
from ..datasets.checks.image_rules import range_problems

MOST = 64
"""Images that are looked at, evenly spaced."""
T = TypeVar('T')
SUFFIXES = ('.png', '.tif', '.tiff')


def deep_warnings(reading: Any, paths: Sequence[Path]) -> List[str]:
    """Return what to say if a loader leaves hardly a gray level of images with more than 8 bits, or cannot read one.

    Args:
        reading: The network's loader, a ``Compose``.
        paths: Images; damaged ones are left out.
    """
    data = SimpleNamespace(pipeline=reading)
    able: List[Path] = [path for path in paths if path.suffix.lower() in SUFFIXES]
    infos = [dict(img_path=str(path), seg_fields=[]) for path in evenly(able)]
    facts = [(read_image(data, info, decode=False, sized=False), info) for info in infos]
    deep = [(one.path, info) for one, info in facts if one.deep and not one.problem]
    return [one.text for one in range_problems('the images', data, deep, None)]


def evenly(images: Sequence[T]) -> Sequence[T]:
    """Return at most ``MOST`` of some images, evenly spaced, so that sessions that follow each other are all seen.

    Args:
        images: The images, in the order of their names.
    """
    return images[:: -(-len(images) // MOST) or 1]
