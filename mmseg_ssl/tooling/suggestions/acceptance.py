"""Takes corrected masks into a new labeled set: list, masks and config beside the old ones, which stay as they are."""

import os
from pathlib import Path
from typing import Dict, List, NamedTuple

from mmengine.config import Config

from ...datasets.checks.image_files import read_image
from ...errors import DatasetError
from ...structures import IGNORE_INDEX
from ..cli import UserError
from .given_masks import GivenMask, copy_file, masks_of_coco, masks_of_folder, nearest
from .mask_coding import MaskCoding
from .new_config import with_labels, write_config
from .new_folder import NOTES, NewFolder
from .new_set import NewSet, plan_new_set, require_buildable
from .pre_labels import digest, known_predictions, read_notes
from .run_data import Candidates, LabeledSet, refuse_ambiguous

MOST = 10
"""Problems that are listed; there may be more."""


class Accepted(NamedTuple):
    """What was taken."""

    added: List[str]  # ids of images that had no label
    replaced: List[str]  # ids of images whose mask was another one
    config: Path
    blank: List[str]  # images of a COCO file without a labeled pixel, which were left out
    predicted: List[str]  # ids of images whose mask is exactly what a network predicted
    ignored: float  # share of the pixels of these masks that have no class


class Checked(NamedTuple):
    """What was found in the masks while they were read."""

    ignored: float
    digests: Dict[str, str]  # id -> see digest()


def accept(cfg: Config, labeled: LabeledSet, candidates: Candidates, given: Path, folder: NewFolder) -> Accepted:
    """Check corrected masks, and write a labeled set with them and the run's own.

    Nothing is written before everything was read; if writing fails, nothing is left.

    Args:
        cfg: Config of the run.
        labeled: Its labeled set.
        candidates: Its images without a label; may be empty.
        given: Folder of masks, named like those of the labeled set, or a file of COCO annotations.
        folder: Where to: ``masks/`` of all labeled images, ``labeled.txt``, a config, and ``images/`` if labeled and
            unlabeled images are in different folders or have different suffixes.

    Returns:
        What was taken.

    Raises:
        UserError: Lists the masks that fit no image, have another size, or hold no class or a value that stands for
            none; or there is none, or one whose name two images have.
    """
    coding = MaskCoding(labeled)
    paths = dict(candidates.paths)
    paths.update({name: Path(labeled.info(name)['img_path']) for name in labeled.indices})
    blank: List[str] = []
    if given.is_file():
        found, blank = masks_of_coco(given, coding, paths, candidates.held)
    else:
        found = masks_of_folder(given, coding, paths)
    refuse_ambiguous(labeled, candidates, found)
    checked = _check(found, coding, paths, candidates.held)
    kept = {name: Path(labeled.info(name)['seg_map_path']) for name in labeled.indices if name not in found}
    _require_readable(kept)
    planned = plan_new_set(labeled, candidates, paths, sorted({*labeled.indices, *found}))
    known = known_predictions([given.parent, folder.folder.parent])
    try:
        config = _write(cfg, folder, coding, found, kept, planned)
        require_buildable(with_labels(cfg, folder, planned), planned.ids, paths, bool(planned.images))
        folder.finish()
    except BaseException:  # an interruption, too: a later command could use nothing of it
        folder.discard()
        raise
    return Accepted(
        added=sorted(name for name in found if name not in labeled.indices),
        replaced=sorted(name for name in found if name in labeled.indices),
        config=folder.folder / config,
        blank=blank,
        predicted=sorted(name for name, own in checked.digests.items() if own in known.get(name, ())),
        ignored=checked.ignored,
    )


def refuse_masks_of_scored(given: Path) -> None:
    """Refuse masks that ``--errors val`` or ``--errors test`` wrote: the training set may have names like theirs.

    Args:
        given: Folder or file of masks.

    Raises:
        UserError: The notes beside them say so; names what to do instead.
    """
    note = given.resolve().parent / NOTES
    role = read_notes(note).get('set')
    if role in ('val', 'test'):
        raise UserError(
            f'--accept {given}: these are masks of {role} ({note}), and no training may learn from them. Copy the '
            f'corrected ones over those in the folder of masks of {role}.'
        )


def _check(found: Dict[str, GivenMask], coding: MaskCoding, paths: Dict[str, Path], held: Dict[str, str]) -> Checked:
    """Read every mask once, and refuse those that do not fit, all of them at once."""
    problems, digests = [], {}
    pixels = ignored = 0
    for name, mask in found.items():
        try:
            if name not in paths:
                fix = 'Name the mask like its image, or give --images again if it was suggested with that.'
                fix = 'Remove the mask.' if name in held else fix
                raise DatasetError(f'{mask.where}: the run has no image {name}.{nearest(name, paths, held)} {fix}')
            classes = mask.read()
            size = classes.shape[1], classes.shape[0]
            image = read_image(coding.dataset, dict(coding.facts, img_path=str(paths[name])), False)
            if image.problem:
                raise DatasetError(f'{image.path}: {image.problem}. Get the image again, or remove its mask.')
            if size != image.size and image.size:
                sizes = f'{size[0]}x{size[1]}, its image {paths[name]} is {image.size[0]}x{image.size[1]}'
                raise DatasetError(f'{mask.where} is {sizes}. Export the mask in the size of the image.')
            without = classes == IGNORE_INDEX
            if without.all():
                raise DatasetError(f'{mask.where}: no pixel has a class. Remove the mask if nobody labeled the image.')
            pixels, ignored, digests[name] = pixels + without.size, ignored + int(without.sum()), digest(classes)
        except DatasetError as error:
            problems.append(str(error))
    if problems:
        more = f'\n  and {len(problems) - MOST} more' if len(problems) > MOST else ''
        listed = '\n  '.join(problems[:MOST])
        raise UserError(f'{len(problems)} of {len(found)} masks cannot be taken; nothing was:\n  {listed}{more}')
    return Checked(ignored / pixels, digests)


def _require_readable(kept: Dict[str, Path]) -> None:
    """Refuse a run of which a mask cannot be copied, before the first one is."""
    lost = [path for path in kept.values() if not os.access(path, os.R_OK)]
    if lost:
        raise UserError(
            f'{lost[0]}: this mask of the run is missing or may not be read ({len(lost)} such masks), and the new set '
            'would need it. Get it again, or take its image out of the list of labeled ones.'
        )


def _write(
    cfg: Config,
    folder: NewFolder,
    coding: MaskCoding,
    found: Dict[str, GivenMask],
    kept: Dict[str, Path],
    planned: NewSet,
) -> str:
    """Write masks, list, images and config; return the name of the config."""
    folder.begin()
    for name, path in kept.items():
        copy_file(path, coding.path(folder.place / 'masks', planned.ids[name]))
    for name, mask in found.items():
        mask.write(coding.path(folder.place / 'masks', planned.ids[name]))
    folder.write_lines('labeled.txt', sorted(planned.ids.values()))
    for file, path in planned.images.items():
        copy_file(path, folder.place / 'images' / file)
    return write_config(cfg, folder, planned)
