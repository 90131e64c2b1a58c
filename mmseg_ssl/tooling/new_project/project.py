"""Makes a project: looks at a user's folders, decides, and writes a new folder."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

from mmengine.registry import init_default_scope

from ...datasets.checks.fix import Value
from ..cli import UserError
from .class_names import Name
from .labels import Labels, read_labels
from .look import look_at
from .machine import Machine
from .masks import common_place
from .photos import Photo, find_photos, mask_notes
from .recipe import Recipe, choose
from .sides import Sides, divide
from .warnings import SHOWN, bad_files, class_warnings, value_warnings


class Inputs(NamedTuple):
    """What the user gives.

    Attributes:
        images: Folder of images.
        masks: Folder of masks of some or all of them.
        unlabeled: Folder of further images without masks.
        scribbles: True if masks label only some pixels.
        val: Share of the masks for validation.
        groups: Regular expression of groups; None: find out; empty: none.
        names: Names of the classes; empty: find out.
        ignored: Values or colors that are no class.
        mask_suffix: What follows an image's id in the name of its mask; None: find out.
        seed: Seed of the split.
    """

    images: Path
    masks: Path
    unlabeled: Optional[Path] = None
    scribbles: bool = False
    val: float = 0.2
    groups: Optional[str] = None
    names: Tuple[Name, ...] = ()
    ignored: Tuple[Value, ...] = ()
    mask_suffix: Optional[str] = None
    seed: int = 0


class Project(NamedTuple):
    """What was found out and decided.

    Attributes:
        photos: All images.
        labels: The classes.
        sides: What each image is for.
        recipe: The choices.
        warnings: What the user should know.
        converted: True if the masks were written anew.
    """

    photos: List[Photo]
    labels: Labels
    sides: Sides
    recipe: Recipe
    warnings: List[str]
    converted: bool


def look_and_decide(inputs: Inputs, machine: Machine) -> Project:
    """Read all files and decide; nothing is written.

    Args:
        inputs: What the user gives.
        machine: Where it will be trained.

    Raises:
        UserError: The files cannot become a project; says why, and the fix.
    """
    init_default_scope('mmseg')
    photos = find_photos(inputs.images, inputs.masks, inputs.mask_suffix)
    if inputs.unlabeled is not None:
        _require_apart(inputs.unlabeled.resolve(), inputs.images.resolve(), inputs.masks.resolve())
        photos += find_photos(inputs.unlabeled)
    look_at(photos)
    good = [photo for photo in photos if not photo.problem]
    masked = [photo for photo in good if photo.mask]
    if not masked:
        bad = [f'{photo.path}: {photo.problem}' for photo in photos if photo.mask][:SHOWN]
        raise UserError('no image with a mask can be used:\n  ' + '\n  '.join(bad))
    labels = read_labels(masked, list(inputs.names), inputs.ignored, inputs.scribbles)
    sides = divide(good, labels, inputs.val, inputs.groups, inputs.seed)
    recipe = choose(sides, labels, machine)
    as_they_are = labels.as_they_are and common_place([*sides.labeled, *sides.val]) is not None
    pairs = mask_notes(photos, inputs.masks, inputs.mask_suffix)
    warnings = [
        *bad_files(photos),
        *pairs,
        *labels.notes,
        *value_warnings(labels, inputs.ignored),
        *sides.notes,
        *class_warnings(sides, labels),
        *recipe.notes,
    ]
    return Project(photos, labels, sides, recipe, warnings, not as_they_are)


def _require_apart(unlabeled: Path, images: Path, masks: Path) -> None:
    """Refuse a second folder whose images, or masks, would be read twice."""
    if unlabeled == images or images in unlabeled.parents:
        raise UserError(
            '--unlabeled is or lies in the folder of --images, whose images without a mask are unlabeled anyway. Leave '
            'it out.'
        )
    inside = [option for option, one in (('--images', images), ('--masks', masks)) if unlabeled in (one, *one.parents)]
    if inside:
        raise UserError(
            f'--unlabeled holds the folder of {inside[0]}, whose files would be taken for further images. Give another '
            'folder.'
        )
