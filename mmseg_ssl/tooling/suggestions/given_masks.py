"""Corrected masks as they come: a folder of files or a file of COCO annotations, by the ids of a run's images."""

import functools
import re
import shutil
from pathlib import Path
from typing import Callable, Dict, Iterable, List, NamedTuple, Tuple

import numpy as np

from ...datasets.image_folder import IMAGES, ImageFolder
from ...structures import IGNORE_INDEX
from ..cli import UserError
from .coco import read_coco
from .mask_coding import MaskCoding

UPLOADED = re.compile(r'^[0-9a-f]{8}-')
"""What Label Studio writes before the name of an uploaded image."""


class GivenMask(NamedTuple):
    """A mask that was corrected; nothing of it is written before all were read."""

    where: str  # for messages
    read: Callable[[], np.ndarray]  # (H, W) uint8 classes, 255 where it is ignored; DatasetError
    write: Callable[[Path], None]  # into a new file


def masks_of_folder(given: Path, coding: MaskCoding, paths: Dict[str, Path]) -> Dict[str, GivenMask]:
    """Return the masks of a folder by id.

    Args:
        given: The folder; hidden files and files of other kinds in it are left alone.
        coding: How the masks of the run are written.
        paths: The images of the run by id.

    Raises:
        UserError: It is not there, holds no mask, one in another format, or two of one image.
    """
    if not given.is_dir():
        raise UserError(f'--accept {given}: there is no such folder or file.')
    folder = ImageFolder(str(given), (coding.suffix,))
    files = folder.files()
    if not files:
        raise UserError(f'--accept {given}: it holds no mask that ends in {coding.suffix}.')
    for first, second, *_ in folder.twins():
        raise UserError(f'{given / first} and {given / second} are masks of one image. Remove one of them.')
    found = {name.replace('\\', '/'): given / f'{name}{suffix}' for name, suffix in files}
    for name, suffix in ImageFolder(str(given), IMAGES).files():
        if name in paths and name not in found:
            raise UserError(f'{given / name}{suffix}: the masks of this run end in {coding.suffix}. Convert it.')
    return {
        name: GivenMask(str(path), functools.partial(coding.read, path), functools.partial(copy_file, path))
        for name, path in found.items()
    }


def masks_of_coco(
    given: Path, coding: MaskCoding, paths: Dict[str, Path], held: Dict[str, str]
) -> Tuple[Dict[str, GivenMask], List[str]]:
    """Return the masks of a COCO file by id, and the images in it that nobody labeled.

    Args:
        given: The file.
        coding: How the masks of the run are written.
        paths: The images of the run by id.
        held: Ids of images of val and test -> which of them.

    Raises:
        UserError: It is damaged, names an image that is not of the run, or one twice, or no pixel is labeled.
    """
    found: Dict[str, GivenMask] = {}
    blank = []
    for file, mask in read_coco(given, coding.classes).items():
        name = _image_of(given, file, paths, held)
        if (mask == IGNORE_INDEX).all():  # a tool lists what nobody came to, too
            blank.append(name)
            continue
        if name in found:
            raise UserError(f'{given}: {file} is the image {name}, and so is another one that it lists.')
        write = functools.partial(coding.write, classes=mask)
        found[name] = GivenMask(f'{given}: {file}', functools.partial(np.asarray, mask), write)
    if not found:
        raise UserError(f'--accept {given}: it lists no image with a labeled pixel.')
    return found, blank


def _image_of(given: Path, file: str, paths: Dict[str, Path], held: Dict[str, str]) -> str:
    """Return the id of the image that a COCO file names; where images differ in suffixes, ids include them."""
    stem, last = Path(file).with_suffix('').as_posix(), Path(file)
    fitting = [name for name in (stem, last.as_posix()) if name in paths][:1]
    fitting = fitting or [name for name in paths if paths[name].as_posix().endswith(f'/{file}')]
    for said in (last.stem, last.name, UPLOADED.sub('', last.stem), UPLOADED.sub('', last.name)):
        # a tool may have left out the folders, or renamed it
        fitting = fitting or [name for name in paths if Path(name).name == said]
    if len(fitting) != 1:
        none = f'is no image of this run.{nearest(stem, paths, held)}'
        what = f'fits {len(fitting)} images, such as {fitting[0]}.' if fitting else none
        raise UserError(f'{given}: {file} {what} Correct its file_name, or take it out.')
    return fitting[0]


def nearest(name: str, names: Iterable[str], held: Dict[str, str]) -> str:
    """Name the image that somebody may have meant: with other capitals, in another folder, or with its suffix.

    Args:
        name: What is the id of no image that can be labeled.
        names: The ids of those that can.
        held: Ids of images of val and test -> which of them.

    Returns:
        A sentence after a space; '' if there is none.
    """
    if name in held:
        return f' It is one of {held[name]}, or a copy, and no training may learn from it.'
    last = Path(name).name.lower()
    near = [one for one in names if last in (Path(one).name.lower(), Path(one).stem.lower())]
    return f' Is it {near[0]}?' if near and name not in near else ''


def copy_file(source: Path, target: Path) -> None:
    """Copy a file into a folder that need not exist."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
