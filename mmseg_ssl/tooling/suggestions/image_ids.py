"""Ids of images: what names their masks, and their lines in lists."""

import os.path as osp
import re
from pathlib import Path
from typing import Dict, Sequence

from ...datasets.image_folder import IMAGES, ImageFolder
from ...datasets.splits import find_split, read_ids
from ..cli import UserError


def folder_of_ids(root: str, form: str, own: Sequence[str] = ()) -> ImageFolder:
    """Return a folder whose images have ids of the form that a labeled set gives its own.

    Args:
        root: The folder.
        form: Suffix of the labeled images; ``''``: they differ in it, and their ids include it.
        own: Suffixes of the images of this folder.
    """
    return ImageFolder(root, (form, *filter(None, own), *IMAGES) if form else ('',))


def id_of(path: str, folder: ImageFolder) -> str:
    """Return the id of an image: its path below the folder, without suffix."""
    below = _below(path, folder)
    parts = folder.split(below)
    return parts[0] if parts else below


def _below(path: str, folder: ImageFolder) -> str:
    return osp.relpath(path, folder.root).replace(osp.sep, '/')


def listed(only: Path, paths: Dict[str, Path], held: Dict[str, str], folder: ImageFolder) -> Dict[str, Path]:
    """Return the images that a list names, with or without their suffixes."""
    plain, forms = ImageFolder(folder.root, IMAGES), {}
    for of in (lambda name: id_of(str(paths[name]), plain), lambda name: _below(str(paths[name]), folder), str):
        forms.update({of(name): name for name in paths})  # the surest form comes last
    wanted = read_ids(find_split(str(only)))
    missing = [name for name in wanted if name not in forms]
    if missing:
        role = held.get(missing[0])
        why = f'is an image of {role}' if role else f'is no image without a label below {folder.root}'
        raise UserError(f'{only}: {missing[0]} {why} ({len(missing)} such ids).')
    return {forms[name]: paths[forms[name]] for name in wanted}


def require_listable(paths: Dict[str, Path]) -> None:
    """Refuse images whose id would be another one, or none, in a list with a line for each."""
    odd = [path for name, path in paths.items() if name != name.strip() or re.search(r'^#|[\r\n]', name)]
    if odd:
        raise UserError(
            f'{str(odd[0])!r}: a list of images cannot hold this name ({len(odd)} such images). Rename the file: no '
            'line break, no space at either end, no # at the beginning.'
        )


def require_distinct(paths: Dict[str, Path], files: Sequence[str], folder: ImageFolder) -> None:
    """Refuse images of two formats that share an id."""
    other = next((file for file in files if paths[id_of(file, folder)] != Path(file)), None)
    if other:
        raise UserError(f'{other} and {paths[id_of(other, folder)]} would have masks of one name. Rename one of them.')
