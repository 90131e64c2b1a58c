"""Lists of images: their names, and the ids in them."""

from pathlib import Path
from typing import Dict, List

from .photos import Photo


def ids_of(photos: List[Photo], whole: List[Photo]) -> List[str]:
    """Return the ids of images as a list has them, sorted.

    Args:
        photos: The images.
        whole: All images of the datasets that read such lists: where their suffixes differ, ids include them.
    """
    return sorted(f'{photo.id}{photo.suffix}' if mixed(whole) else photo.id for photo in photos)


def list_name(number: int) -> str:
    """Return the name of the list of a folder's images without masks."""
    return f'unlabeled{number + 1 if number else ""}.txt'


def by_folder(photos: List[Photo]) -> List[List[Photo]]:
    """Sort images into one list per folder."""
    folders: Dict[Path, List[Photo]] = {}
    for photo in photos:
        folders.setdefault(photo.folder, []).append(photo)
    return list(folders.values())


def mixed(photos: List[Photo]) -> bool:
    """Check if images have several suffixes; their ids in lists and configs then include it."""
    return len({photo.suffix for photo in photos}) > 1
