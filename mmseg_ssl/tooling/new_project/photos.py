"""Finds the images of a user, and for each its mask."""

import os.path as osp
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...datasets.checks.fix import Value
from ...datasets.checks.palettes import Color
from ...datasets.image_folder import MASK_ENDINGS, ImageFolder, refuse_mask_names
from ..cli import UserError

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


@dataclass
class Photo:
    """An image of the user's.

    Attributes:
        id: Its path below its folder, without suffix.
        folder: Its folder.
        suffix: Suffix of the file.
        mask: Its mask, if it has one.
        size: Width and height as the loader gives them; None until it was read.
        deep: True if a channel has more than 8 bits.
        counts: Pixels of each value or color of the mask.
        palette: Color of each value that occurs in a mask with a palette; empty if values count, not colors.
        mask_channels: True if the mask has more than one channel.
        look: Unit vector of its gray values at 16x16, without their mean; zeros if there is hardly a contrast.
        problem: Why it cannot be used; empty if it can.
    """

    id: str
    folder: Path
    suffix: str
    mask: Optional[Path] = None
    size: Optional[Tuple[int, int]] = None
    deep: bool = False
    counts: Dict[Value, int] = field(default_factory=dict)
    palette: Dict[int, Color] = field(default_factory=dict)
    mask_channels: bool = False
    look: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    problem: str = ''

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f'{self.id}{self.suffix}'


def find_photos(folder: Path, masks: Optional[Path] = None, ending: Optional[str] = None) -> List[Photo]:
    """List the images of a folder and its subfolders.

    Args:
        folder: The folder.
        masks: Folder of their masks, which may be the same, or lie in it.
        ending: What follows an image's id in the name of its mask (``_mask.png``); found out if not given.

    Returns:
        The images by their ids; those without a mask have none.

    Raises:
        UserError: There are no images, no mask belongs to an image, or an image has several masks.
        DatasetError: Two images have one id, or masks lie among the images.
    """
    for one in filter(None, (folder, masks)):
        if not one.is_dir():
            raise UserError(f'there is no folder {one}.')
    images = ImageFolder(str(folder.absolute()), SUFFIXES)
    found = images.files()
    inner = '' if masks is None else osp.relpath(masks.absolute(), folder.absolute())
    if inner == '.':
        found = [(name, suffix) for name, suffix in found if not _named_like_a_mask(name, suffix, found, ending)]
    elif inner and not inner.startswith('..'):
        found = [(name, suffix) for name, suffix in found if not name.startswith(f'{inner}/')]
    if not found:
        raise UserError(images.nothing_found().replace('Correct img_suffix, or data_prefix.img_path.', ''))
    refuse_mask_names(found, images)
    photos = [Photo(name, folder.absolute(), suffix) for name, suffix in found]
    if masks is not None:
        own = {photo.path for photo in photos}
        files = [masks.absolute() / f'{name}{suffix}' for name, suffix in ImageFolder(str(masks), SUFFIXES).files()]
        _pair(photos, masks.absolute(), [path for path in files if path not in own], ending)
    return photos


def mask_notes(photos: Sequence[Photo], masks: Path, ending: Optional[str]) -> List[str]:
    """Say which masks belong to no image, and whether the names of the others end in several ways.

    Args:
        photos: The images, each with its mask.
        masks: Folder of the masks.
        ending: What the user says of the ends of their names; other files are none.
    """
    notes, root = [], masks.absolute()
    known = {path for photo in photos for path in (photo.path, photo.mask)}
    files = [f'{name}{suffix}' for name, suffix in ImageFolder(str(masks), SUFFIXES).files()]
    strange = [name for name in files if root / name not in known and name.endswith(ending or '')]
    if strange:
        notes.append(
            f'{len(strange)} of {len(files)} files in {masks} have the name of no image and are not used, the first is '
            f'{strange[0]}: are images missing, or named in another way?'
        )
    ends = Counter(photo.mask.stem[len(Path(photo.id).name) :] for photo in photos if photo.mask)
    if len(ends) > 1:
        shown = ', '.join(f'{count} "{end}"' for end, count in ends.most_common(4))
        notes.append(
            f'The names of the masks go on in {len(ends)} ways behind that of the image ({shown}), and all are taken '
            'for one kind of mask. If the ends name classes, or only some are right, give --mask-suffix.'
        )
    return notes


def _named_like_a_mask(name: str, suffix: str, found: Sequence[Tuple[str, str]], ending: Optional[str]) -> bool:
    """Check if a file of a folder of both images and masks is a mask: ``a_mask.png``, or ``a.png`` beside ``a.jpg``."""
    names = {one for one, _ in found}
    if ending:
        return f'{name}{suffix}'.endswith(ending) and f'{name}{suffix}'[: -len(ending)] in names
    if any(name.lower().endswith(mark) and name[: -len(mark)] in names for mark in MASK_ENDINGS):
        return True
    return suffix.lower() == '.png' and any(one == name and other.lower() != '.png' for one, other in found)


def _pair(photos: List[Photo], root: Path, files: List[Path], ending: Optional[str]) -> None:
    """Give each photo its mask."""
    by_id = {photo.id: photo for photo in photos}
    paired: Dict[str, List[Path]] = defaultdict(list)
    for path in files:
        name = path.relative_to(root).as_posix()
        if ending is None:
            image_id = _id_in(name, by_id)
        else:
            image_id = name[: -len(ending)] if name.endswith(ending) else ''
        if image_id in by_id:
            paired[image_id].append(path)
    if not paired:
        shown = files[0].relative_to(root) if files else 'no image file at all'
        raise UserError(
            f'no mask in {root} belongs to an image of {photos[0].folder}: there is {photos[0].id}{photos[0].suffix}, '
            f'here {shown}. A mask has the name of its image (photo7.jpg: photo7.png or photo7_mask.png), in the same '
            'subfolder. Correct the folders, or give --mask-suffix.'
        )
    several = next((names for names in paired.values() if len(names) > 1), None)
    if several:
        image_id = next(name for name, names in paired.items() if names is several)
        ends = Counter(path.relative_to(root).as_posix()[len(image_id) :] for path in several)
        raise UserError(
            f'{by_id[image_id].path} has {len(several)} masks: {", ".join(path.name for path in several[:4])}. Say how '
            f'the names of the masks end, e.g. --mask-suffix {min(ends, key=len)}'
        )
    for image_id, (path,) in paired.items():
        by_id[image_id].mask = path


def _id_in(name: str, known: Dict[str, Photo]) -> str:
    """Return the longest id that a mask's name begins with, up to a mark such as ``_``; empty if there is none."""
    stem = name[: -len(Path(name).suffix)]
    for end in range(len(stem), 0, -1):
        if stem[:end] in known and (end == len(stem) or not stem[end].isalnum()):
            return stem[:end]
    return ''
