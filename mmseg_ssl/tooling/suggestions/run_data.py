"""The images of a run: those that have a label, and those that could get one."""

import os.path as osp
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from ...datasets import UnlabeledImages
from ...datasets.apply_split import build_labeled, build_unlabeled, image_paths
from ...datasets.checks.check import build_set
from ...datasets.checks.look import leaves
from ...datasets.image_folder import IMAGES, ImageFolder
from ...datasets.same_files import SameFiles
from ...datasets.splits import find_split, read_ids
from ..cli import UserError


class LabeledSet(NamedTuple):
    """A dataset with masks, and the indices of its images by id."""

    dataset: Any  # BaseSegDataset
    indices: Dict[str, int]  # path below the folder of images, without suffix -> index

    def info(self, name: str) -> dict:
        """Return the dataset's info of an image."""
        return dict(self.dataset.get_data_info(self.indices[name]))

    @property
    def images(self) -> Path:
        """The folder of the images."""
        return Path(self.dataset.data_prefix['img_path'])


class Candidates(NamedTuple):
    """Images without a label."""

    folder: Path
    paths: Dict[str, Path]  # id -> file, sorted by id


def labeled_set(cfg: Config, role: str = 'labeled') -> LabeledSet:
    """Build a set of a config that has masks.

    Args:
        cfg: Config of a training.
        role: ``'labeled'``, ``'val'`` or ``'test'``.

    Returns:
        The set.

    Raises:
        UserError: The config lacks it, or it is made of several sets.
        DatasetError: Its data are missing.
    """
    loader = cfg.get(f'{"train" if role == "labeled" else role}_dataloader')
    if not loader:
        raise UserError(f'{cfg.filename} has no {role}_dataloader.')
    given = loader['dataset']
    if role == 'labeled' and 'labeled' in given:
        built = build_labeled(given['labeled'], find_split(given['split']) if given.get('split') else None)
    else:
        built = build_set(f'{role}_dataloader.dataset', given)
    built.full_init()
    dataset = _only_one(role, built)
    if not getattr(dataset, 'data_prefix', {}).get('seg_map_path') or not hasattr(dataset, 'seg_map_suffix'):
        raise UserError(f'{cfg.filename}: the {role} set, a {type(dataset).__name__}, has no folder of masks.')
    folder = ImageFolder(dataset.data_prefix['img_path'], (dataset.img_suffix,))
    ids = [_id_of(dataset.get_data_info(index)['img_path'], folder) for index in range(len(dataset))]
    return LabeledSet(dataset, {name: index for index, name in enumerate(ids)})


def find_candidates(
    cfg: Config, labeled: LabeledSet, images: Optional[str], only: Optional[Path], may_be_empty: bool = False
) -> Candidates:
    """List the images of a run that have no label.

    Args:
        cfg: Its config.
        labeled: Its labeled set.
        images: Another folder of images. Default: the unlabeled set of the config, else what the folder of the labeled
            images holds beside them.
        only: List of ids; other images are left out.
        may_be_empty: Whether none is an answer.

    Returns:
        The images; copies of labeled ones are none.

    Raises:
        UserError: None is left, or the list names an image that is not there.
        DatasetError: A folder is missing, or holds no image.
    """
    dataset = _only_one('unlabeled', _unlabeled_set(cfg, labeled, images))
    root = dataset.data_prefix['img_path']
    folder = ImageFolder(root, dataset.img_suffix)
    known = SameFiles(image_paths(labeled.dataset))
    paths = {_id_of(path, folder): Path(path) for path in image_paths(dataset) if path not in known}
    _require_listable(paths)
    if only is not None:
        wanted = read_ids(find_split(str(only)))
        missing = [name for name in wanted if name not in paths]
        if missing:
            raise UserError(f'{only}: {missing[0]} is no image without a label below {root} ({len(missing)} such ids).')
        paths = {name: paths[name] for name in wanted}
    if not paths and not may_be_empty:
        raise UserError(f'{root} holds no image without a label. Give another folder with --images.')
    return Candidates(Path(root), dict(sorted(paths.items())))


def _require_listable(paths: Dict[str, Path]) -> None:
    """Refuse images whose id would be another one, or none, in a list with a line for each."""
    odd = [path for name, path in paths.items() if name != name.strip() or re.search(r'^#|[\r\n]', name)]
    if odd:
        raise UserError(
            f'{str(odd[0])!r}: a list of images cannot hold this name ({len(odd)} such images). Rename the file: no '
            'line break, no space at either end, no # at the beginning.'
        )


def _unlabeled_set(cfg: Config, labeled: LabeledSet, images: Optional[str]) -> BaseDataset:
    """Build the set of images without labels; labeled ones may be among them."""
    if images is not None:
        return UnlabeledImages(img_suffix=IMAGES, data_prefix=dict(img_path=images))
    given = cfg.train_dataloader['dataset']
    configured = given.get('unlabeled') if 'labeled' in given else None
    if configured:
        plain = dict(configured, exclude='')
        return build_unlabeled(plain, None, labeled.dataset)
    beside = dict(type='UnlabeledImages', img_suffix=labeled.dataset.img_suffix, exclude='')
    return build_unlabeled(dict(beside, data_prefix=dict(img_path=str(labeled.images))), None, labeled.dataset)


def _only_one(role: str, dataset: Any) -> Any:
    """Return the dataset inside of wrappers."""
    inner: List[Tuple[str, Any]] = list(leaves(role, dataset))
    if len(inner) != 1:
        raise UserError(
            f'the {role} set is made of {len(inner)} sets. Give a config with one'
            f'{", or a folder with --images" if role == "unlabeled" else ""}.'
        )
    return inner[0][1]


def _id_of(path: str, folder: ImageFolder) -> str:
    """Return the id of an image: its path below the folder, without suffix."""
    below = osp.relpath(path, folder.root).replace(osp.sep, '/')
    parts = folder.split(below)
    return parts[0] if parts else below
