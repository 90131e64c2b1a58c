"""How a labeled set that has grown names its images, and whether a training would take it."""

import os.path as osp
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence

from mmengine.config import Config

from ..cli import UserError
from .run_data import Candidates, LabeledSet, labeled_set


class NewSet(NamedTuple):
    """The names in a new labeled set."""

    ids: Dict[str, str]  # id in the run -> id in the new set
    images: Dict[str, Path]  # file below the new folder of images -> its source; empty: all stay where they are
    suffix: Optional[str]  # img_suffix of the new set; None: that of the run


def plan_new_set(labeled: LabeledSet, candidates: Candidates, paths: Dict[str, Path], names: Sequence[str]) -> NewSet:
    """Decide where the images go: a labeled set has a single folder, and one suffix, or ids with suffixes.

    Args:
        labeled: The labeled set of the run.
        candidates: Its images without a label.
        paths: The images of both by id.
        names: Ids of the new set.
    """
    suffix = labeled.dataset.img_suffix.lower()
    same, one_suffix = {name: name for name in names}, all(paths[name].name.lower().endswith(suffix) for name in names)
    if one_suffix and fits_beside(labeled, candidates, [name for name in names if name not in labeled.indices]):
        return NewSet(same, {}, None)
    # copies keep their names, by which an unlabeled set knows and leaves out labeled images
    whole = {name: f'{name}{paths[name].name[len(Path(name).name) :]}' for name in names}
    images = {file: paths[name] for name, file in whole.items()}
    return NewSet(same, images, None) if one_suffix else NewSet(whole, images, '')


def fits_beside(labeled: LabeledSet, candidates: Candidates, names: Sequence[str]) -> bool:
    """Check if images can stay where they are in one list with the labeled ones: same folder, same suffix.

    Args:
        labeled: The labeled set.
        candidates: The images without a label.
        names: Ids of some of these.
    """
    suffix = labeled.dataset.img_suffix.lower()
    return not names or (
        candidates.folder.resolve() == labeled.images.resolve()
        and all(candidates.paths[name].name.lower().endswith(suffix) for name in names)
    )


def require_buildable(cfg: Config, ids: Dict[str, str], paths: Dict[str, Path], moved: bool) -> None:
    """Build a new labeled set, as a training would, before it gets its place.

    Args:
        cfg: Config of the training.
        ids: See :class:`NewSet`.
        paths: The images by the ids of the run.
        moved: Whether they were copied.

    Raises:
        UserError: It holds other images.
        DatasetError: It cannot be built.
    """
    built = labeled_set(cfg)
    wrong = [
        name
        for name, new in ids.items()
        if new not in built.indices
        or not (moved or osp.realpath(paths[name]) == osp.realpath(built.info(new)['img_path']))
    ]
    if wrong or len(built.indices) != len(ids):
        missed = wrong[0] if wrong else 'these images alone'
        raise UserError(
            f'a training would not find {missed} in the new set ({len(ids)} images, {len(built.indices)} found), so '
            'nothing was written. Give all images one suffix: the img_suffix of the labeled set.'
        )
