"""The images of a run: those that have a label, and those that could get one."""

from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset

from ...datasets import UnlabeledImages
from ...datasets.apply_split import build_labeled, build_unlabeled, image_paths
from ...datasets.checks.check import build_set
from ...datasets.checks.look import leaves
from ...datasets.image_folder import IMAGES, ImageFolder
from ...datasets.same_files import SameFiles
from ...datasets.splits import find_split
from ..cli import UserError
from .held_out import copies_of, held_out
from .image_ids import folder_of_ids, id_of, listed, require_distinct, require_listable


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
    paths: Dict[str, Path]  # id, formed like those of the labeled set -> file, sorted by id
    held: Dict[str, str]  # id of an image that is none because it is in val or test -> which of them


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
    ids = [id_of(dataset.get_data_info(index)['img_path'], folder) for index in range(len(dataset))]
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
        The images. Labeled ones, those of val and test, and copies of them are none.

    Raises:
        UserError: None is left, two have one id, or the list names an image that is not there.
        DatasetError: A folder is missing, or holds no image.
    """
    dataset = _only_one('unlabeled', _unlabeled_set(cfg, labeled, images))
    root, own = dataset.data_prefix['img_path'], dataset.img_suffix
    folder = folder_of_ids(root, labeled.dataset.img_suffix, (own,) if isinstance(own, str) else own)
    known, files, scored = SameFiles(image_paths(labeled.dataset)), image_paths(dataset), held_out(cfg)
    held = copies_of(scored, files)
    free = [path for path in files if path not in held and path not in known]
    paths = {id_of(path, folder): Path(path) for path in free}
    require_listable(paths)
    require_distinct(paths, free, folder)
    beside = folder_of_ids(str(labeled.images), labeled.dataset.img_suffix)
    names = {id_of(path, of): role for of in (beside, folder) for path, role in {**scored, **held}.items()}
    if only is not None:
        paths = listed(only, paths, names, folder)
    if not paths and not may_be_empty:
        scored_too = f', except {len(held)} of val or test' if held else ''
        raise UserError(f'{root} holds no image without a label{scored_too}. Give another folder with --images.')
    return Candidates(Path(root), dict(sorted(paths.items())), names)


def refuse_ambiguous(labeled: LabeledSet, candidates: Candidates, names: Iterable[str]) -> None:
    """Refuse ids that mean a labeled image and another one: nobody could tell whose mask has such a name.

    Args:
        labeled: The labeled set.
        candidates: The images without a label.
        names: Ids.

    Raises:
        UserError: Names both images of the first, and counts them.
    """
    both = [name for name in names if name in labeled.indices and name in candidates.paths]
    if both:
        raise UserError(
            f'{labeled.info(both[0])["img_path"]}, which has a mask, and {candidates.paths[both[0]]} are two images '
            f'with the name {both[0]} ({len(both)} such names), so a mask of this name could be of either. Move those '
            f'without a mask into a new subfolder, such as {candidates.folder / "new"}, where they are new/{both[0]}, '
            'also in a list of them.'
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
    beside = dict(type='UnlabeledImages', img_suffix=labeled.dataset.img_suffix or IMAGES, exclude='')
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
