"""Writes the folder of a project."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterable, Optional

import cv2
import numpy as np

from ...apis.deep_images import evenly
from ...structures import UNLABELED
from ...utils.atomic_files import replace_file
from ..cli import UserError
from .config_files import config_text, data_text
from .lists import by_folder, ids_of, list_name
from .machine import Machine
from .masks import common_place, write_masks
from .network_settings import weights_are_here
from .photos import Photo
from .project import Project


def write_project(project: Project, out: Path, machine: Machine, page: Optional[str] = None) -> None:
    """Write the folder of a project; it appears complete or not at all.

    Args:
        project: What was decided.
        out: The folder, which must not exist.
        machine: Where it will be trained.
        page: Content of ``data.html``.

    Raises:
        UserError: The folder exists.
    """
    refuse_existing(out)
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{out.name}-', dir=out.parent))
    try:
        _write_into(project, partial, out, machine)
        if page is not None:
            replace_file(partial / 'data.html', page.encode())
        partial.chmod(0o755)
        refuse_existing(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse_existing(out: Path) -> None:
    """Raise an error if a folder exists, or cannot hold a config.

    Raises:
        UserError: It does, or its path has a quote, which would end a text of the config.
    """
    if set('\'"') & set(str(out.absolute())):
        raise UserError(f'{out.absolute()} has a quote in its path, which the files of a config cannot. Name another.')
    if os.path.lexists(out):
        raise UserError(f'{out} exists. A project only goes into a new folder, so that none is lost: name another.')


def _write_into(project: Project, folder: Path, out: Path, machine: Machine) -> None:
    sides, labels = project.sides, project.labels
    masked = [*sides.labeled, *sides.val]
    lists = {'labeled.txt': ids_of(sides.labeled, masked), 'val.txt': ids_of(sides.val, masked)}
    for number, some in enumerate(by_folder(sides.unlabeled)):
        lists[list_name(number)] = ids_of(some, some)
    for name, ids in lists.items():
        replace_file(folder / 'splits' / name, ('\n'.join(ids) + '\n').encode())
    place = common_place(masked)
    if project.converted or place is None:
        write_masks(masked, labels, folder / 'masks')
        masks = ('{{ fileDirname }}/masks', '.png')
    else:
        masks = (str(place[0]), place[1])
    found = weights_are_here(project.recipe.network.value, out)
    small = 'unet' in project.recipe.network.value
    workers = 0 if small else min(4, machine.cores // 2)
    data = data_text(project.recipe, sides, labels, masks, _deepest(project.photos), workers, found)
    replace_file(folder / 'data.py', data.encode())
    replace_file(folder / 'config.py', config_text(project.recipe, sides, labels).encode())
    classes = [
        dict(index=index, name=name, color=color, values=[old for old, new in labels.table.items() if new == index])
        for index, (name, color) in enumerate(zip(labels.classes, labels.palette))
    ]
    meaning = {'classes': classes, 'ignored': [old for old, new in labels.table.items() if new >= UNLABELED]}
    replace_file(folder / 'classes.json', (json.dumps(meaning, indent=1) + '\n').encode())


def _deepest(photos: Iterable[Photo]) -> Optional[int]:
    """Return the largest value of images with more than 8 bits, as a power of two less 1; None if there are none.

    Of many images evenly spaced ones are read: the first by name may all be of one dark session.

    None, too, if others have 8 bits, which would become black: what the host's loader makes of both is checked later.
    """
    good, top = [photo for photo in photos if not photo.problem], 0.0
    if not all(photo.deep for photo in good):
        return None
    for photo in evenly(good):
        raw = cv2.imread(str(photo.path), cv2.IMREAD_UNCHANGED)
        top = max(top, 0.0 if raw is None else float(np.nan_to_num(np.nanpercentile(raw, 99.9))))
    return 2 ** int(max(top, 1)).bit_length() - 1 if top else None
