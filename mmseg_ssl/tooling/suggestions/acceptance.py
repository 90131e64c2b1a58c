"""Takes corrected masks into a new labeled set: list, masks and config beside the old ones, which stay as they are."""

import re
import shutil
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from mmengine.config import Config

from ...datasets.checks.image_files import read_image
from ...datasets.image_folder import ImageFolder
from ...errors import DatasetError
from ...structures import IGNORE_INDEX
from ..cli import UserError
from ..prediction_inputs import IMAGES
from .coco import read_coco
from .mask_coding import MaskCoding
from .new_config import write_config
from .new_folder import NewFolder
from .pre_labels import unchanged
from .run_data import Candidates, LabeledSet

MOST = 10
"""Problems that are listed; there may be more."""
UPLOADED = re.compile(r'^[0-9a-f]{8}-')
"""What Label Studio writes before the name of an uploaded image."""


class Accepted(NamedTuple):
    """What was taken."""

    added: List[str]  # ids of images that had no label
    replaced: List[str]  # ids of images whose mask was another one
    config: Path
    blank: List[str]  # images of a COCO file without a labeled pixel, which were left out
    predicted: List[str]  # ids of images whose mask is exactly what a network predicted
    ignored: float  # share of the pixels of these masks that have no class


def accept(cfg: Config, labeled: LabeledSet, candidates: Candidates, given: Path, folder: NewFolder) -> Accepted:
    """Check corrected masks, and write a labeled set with them and the run's own.

    Args:
        cfg: Config of the run.
        labeled: Its labeled set.
        candidates: Its images without a label; may be empty.
        given: Folder of masks, named like those of the labeled set, or a file of COCO annotations.
        folder: Where to: ``masks/`` of all labeled images, ``labeled.txt``, a config, and ``images/`` if labeled and
            unlabeled images are in different folders.

    Returns:
        What was taken.

    Raises:
        UserError: Lists the masks that fit no image, have another size, or hold no class or a value that stands for
            none; or there is none.
    """
    coding = MaskCoding(labeled)
    masks = folder.place / 'masks'
    paths = {name: Path(labeled.info(name)['img_path']) for name in labeled.indices}
    paths.update(candidates.paths)
    blank: List[str] = []
    if given.is_file():
        found, blank = _from_coco(given, coding, paths, folder)
    else:
        found = _from_folder(given, coding, paths)
    ignored = _check(found, coding, paths)
    predicted = unchanged(found, coding, [given.parent, folder.folder.parent])
    for name in labeled.indices:
        if name not in found:
            _copy(Path(labeled.info(name)['seg_map_path']), coding.path(masks, name))
    for name, path in found.items():
        _copy(path, coding.path(masks, name))
    every = sorted({*labeled.indices, *found})
    folder.write_lines('labeled.txt', every)
    moved = _gather_images(labeled, candidates, paths, every, folder)
    added = sorted(name for name in found if name not in labeled.indices)
    replaced = sorted(name for name in found if name in labeled.indices)
    config = write_config(cfg, folder, moved)
    folder.finish()
    return Accepted(added, replaced, folder.folder / config, blank, predicted, ignored)


def _from_folder(given: Path, coding: MaskCoding, paths: Dict[str, Path]) -> Dict[str, Path]:
    """Return the masks of a folder by id."""
    if not given.is_dir():
        raise UserError(f'--accept {given}: there is no such folder or file.')
    files = ImageFolder(str(given), (coding.suffix,)).files()
    if not files:
        raise UserError(f'--accept {given}: it holds no mask that ends in {coding.suffix}.')
    found = {name.replace('\\', '/'): given / f'{name}{suffix}' for name, suffix in files}
    for name, suffix in ImageFolder(str(given), IMAGES).files():
        if name in paths and name not in found:
            raise UserError(f'{given / name}{suffix}: the masks of this run end in {coding.suffix}. Convert it.')
    return found


def _from_coco(
    given: Path, coding: MaskCoding, paths: Dict[str, Path], folder: NewFolder
) -> Tuple[Dict[str, Path], List[str]]:
    """Write the masks of a COCO file as those of a folder; return them by id, and images that nobody labeled."""
    found: Dict[str, Path] = {}
    blank = []
    for file, mask in read_coco(given, coding.classes).items():
        stem = Path(file).with_suffix('').as_posix()
        fitting = [stem] if stem in paths else [name for name in paths if paths[name].as_posix().endswith(f'/{file}')]
        last = Path(stem).name
        for said in (last, UPLOADED.sub('', last)):  # a tool may have left out the folders, or renamed it
            fitting = fitting or [name for name in paths if Path(name).name == said]
        if len(fitting) != 1:
            what = f'fits {len(fitting)} images, such as {fitting[0]}' if fitting else 'is no image of this run'
            raise UserError(f'{given}: {file} {what}.')
        if (mask == IGNORE_INDEX).all():  # a tool lists what nobody came to, too
            blank.append(fitting[0])
            continue
        if fitting[0] in found:
            raise UserError(f'{given}: {file} is the image {fitting[0]}, and so is another one that it lists.')
        found[fitting[0]] = coding.path(folder.seen, fitting[0])
        coding.write(found[fitting[0]], mask)
    if not found:
        raise UserError(f'--accept {given}: it lists no image with a labeled pixel.')
    return found, blank


def _check(found: Dict[str, Path], coding: MaskCoding, paths: Dict[str, Path]) -> float:
    """Refuse masks that do not fit, all of them at once; return the share of their pixels without a class."""
    problems = []
    pixels = ignored = 0
    for name, path in found.items():
        try:
            if name not in paths:
                raise DatasetError(f'{path}: the run has no image {name}. Name the mask like its image.')
            size, image = (
                coding.check(path),
                read_image(coding.dataset, dict(coding.facts, img_path=str(paths[name])), False),
            )
            if image.problem:
                raise DatasetError(f'{image.path}: {image.problem}.')
            if size != image.size and image.size:
                sizes = f'{size[0]}x{size[1]}, its image {paths[name]} is {image.size[0]}x{image.size[1]}'
                raise DatasetError(f'{path} is {sizes}. Export the mask in the size of the image.')
            without = coding.read(path) == IGNORE_INDEX
            pixels, ignored = pixels + without.size, ignored + int(without.sum())
            if without.all():
                raise DatasetError(f'{path}: no pixel has a class. Remove the mask if nobody labeled the image.')
        except DatasetError as error:
            problems.append(str(error))
    if problems:
        more = f'\n  and {len(problems) - MOST} more' if len(problems) > MOST else ''
        listed = '\n  '.join(problems[:MOST])
        raise UserError(f'{len(problems)} of {len(found)} masks cannot be taken; nothing was:\n  {listed}{more}')
    return ignored / pixels


def _gather_images(
    labeled: LabeledSet, candidates: Candidates, paths: Dict[str, Path], names: Sequence[str], folder: NewFolder
) -> bool:
    """Copy the labeled images into one folder if they are in two; a labeled set has a single one."""
    if not any(name in candidates.paths for name in names) or candidates.folder.resolve() == labeled.images.resolve():
        return False
    suffix = labeled.dataset.img_suffix
    for name in names:
        if not paths[name].name.lower().endswith(suffix.lower()):
            raise UserError(
                f'{paths[name]}: the images of the labeled set end in {suffix}. Convert the new ones to this format.'
            )
        _copy(paths[name], folder.place / 'images' / f'{name}{suffix}')
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
