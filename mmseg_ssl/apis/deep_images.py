"""Warns of images with more than 8 bits of which a network would see nearly nothing."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Sequence

from ..datasets.checks.image_files import read_image
from ..datasets.checks.image_rules import range_problems

MOST = 64
"""Images that are looked at, evenly spaced."""
SUFFIXES = ('.png', '.tif', '.tiff')


def deep_warnings(reading: Any, paths: Sequence[Path]) -> List[str]:
    """Return what to say if a loader leaves hardly a gray level of images with more than 8 bits, or cannot read one.

    Args:
        reading: The network's loader, a ``Compose``.
        paths: Images; damaged ones are left out.
    """
    data = SimpleNamespace(pipeline=reading)
    able: List[Path] = [path for path in paths if path.suffix.lower() in SUFFIXES]
    infos = [dict(img_path=str(path), seg_fields=[]) for path in able[:: -(-len(able) // MOST) or 1]]
    facts = [(read_image(data, info, decode=False, sized=False), info) for info in infos]
    deep = [(one.path, info) for one, info in facts if one.deep and not one.problem]
    return [one.text for one in range_problems('the images', data, deep, None)]
