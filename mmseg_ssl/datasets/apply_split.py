"""Applies a split to the labeled and the unlabeled set, or raises an error where the config contradicts it."""

import copy
import os.path as osp
import re
from typing import Any, Iterator, List, Optional, Sequence, Union

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from ..errors import DatasetError
from .same_files import SameFiles
from .sources import require_data, wrapped
from .splits import locate_list, read_ids
from .unlabeled_images import UnlabeledImages

SUFFIX = re.compile(r'\.(png|jpe?g|tiff?|bmp|webp)$', re.IGNORECASE)
LEAVE_OUT = 'leave split out, and give every labeled set its own ann_file and every unlabeled one its own exclude'


def build_labeled(dataset: Union[dict, BaseDataset], path: Optional[str]) -> BaseDataset:
    """Build the labeled set; with a split it holds exactly the split's images.

    Args:
        dataset: A config, or a built dataset. In a config, also inside wrappers of one dataset, an ``ann_file`` that
            names no list is set to the split.
        path: The split.

    Raises:
        DatasetError: The config names another list, or the split does not take effect.
    """
    if isinstance(dataset, dict):
        dataset = copy.deepcopy(dataset)
        inner = list(_leaves(dataset))
        if path and len(inner) == 1:
            _fill_ann_file(inner[0], path)
        for leaf in inner:
            if leaf.get('ann_file') and not osp.isdir(leaf['ann_file']):
                leaf['ann_file'] = locate_list(leaf['ann_file'], leaf.get('data_root'))
        require_data(dataset)
        dataset = DATASETS.build(dataset)
    if path:
        _require_effect(dataset, path)
    return dataset


def build_unlabeled(dataset: Union[dict, BaseDataset], path: Optional[str], labeled: BaseDataset) -> BaseDataset:
    """Build the unlabeled set; with a split it holds none of the labeled images, unless ``exclude=''`` says so.

    Args:
        dataset: A config, or a built dataset.
        path: The split.
        labeled: The labeled set.

    Raises:
        DatasetError: A labeled image is among the unlabeled ones.
    """
    excluded = tuple(image_paths(labeled)) if path else ()
    keep = False
    if isinstance(dataset, dict):
        dataset = copy.deepcopy(dataset)
        for leaf in _leaves(dataset):
            if _is_unlabeled(leaf):
                _fill_unlabeled(leaf, excluded, labeled)
                keep = keep or leaf.get('exclude') == ''
        require_data(dataset)
        dataset = DATASETS.build(dataset)
    known = SameFiles(excluded)
    shared = [] if keep or not path else [one for one in image_paths(dataset) if one in known]
    if shared:
        raise DatasetError(
            f'split={path} lists the labeled images, but {len(shared)} of them are among the unlabeled ones: '
            f'{shared[0]}. Use type UnlabeledImages for the unlabeled data and no other '
            f"exclude; to keep the labeled images there, set exclude=''; or {LEAVE_OUT}."
        )
    return dataset


def image_paths(dataset: BaseDataset) -> List[str]:
    """Return the paths of a dataset's images, each once, in its order.

    Args:
        dataset: A built dataset; may be a wrapper.
    """
    if not hasattr(dataset, 'get_data_info'):  # MultiImageMixDataset of the host
        return image_paths(dataset._dataset)
    return list(dict.fromkeys(dataset.get_data_info(index)['img_path'] for index in range(len(dataset))))


def _leaves(cfg: dict) -> Iterator[dict]:
    """Yield the configs of the datasets inside wrappers; a plain dataset yields itself."""
    inner = wrapped(cfg)
    if not inner:
        yield cfg
    for part in inner:
        yield from _leaves(part)


def _is_unlabeled(cfg: dict) -> bool:
    kind = DATASETS.get(cfg['type']) if isinstance(cfg['type'], str) else cfg['type']
    return isinstance(kind, type) and issubclass(kind, UnlabeledImages)


def _fill_ann_file(cfg: dict, path: str) -> None:
    """Set the list of a config to the split, unless it names one with the same images."""
    named = cfg.get('ann_file')
    if named:
        other = locate_list(named, cfg.get('data_root'))
        own, split = ({SUFFIX.sub('', line) for line in read_ids(one)} for one in (other, path))
        if own != split:
            raise DatasetError(
                f'Two lists name the labeled images: split={path} names {len(split)}, labeled.ann_file={named} '
                f'names {len(own)}, not the same. Leave one of them out.'
            )
    cfg['ann_file'] = path


def _require_effect(dataset: BaseDataset, path: str) -> None:
    """Raise an error unless a labeled set holds the images that its split names.

    A dataset that reads the list itself needs only the right number; of any other the file names are compared, too.
    """
    dataset.full_init()
    ids, paths = read_ids(path), image_paths(dataset)
    if len(ids) == len(paths) and (_reads_list(dataset, path) or _all_named(ids, paths)):
        return
    raise DatasetError(
        f'split={path} names {len(ids)} images, but labeled, a {type(dataset).__name__}, holds {len(paths)}'
        f'{" others" if len(ids) == len(paths) else ""}: a split cannot be applied to datasets that are already built, '
        f'to several at once (ConcatDataset), or to one with indices. Give the config of one dataset, or {LEAVE_OUT}.'
    )


def _reads_list(dataset: Any, path: str) -> bool:
    """Check if a dataset, or the one that it wraps, got its images from a list."""
    inner = getattr(dataset, 'dataset', None)
    return _reads_list(inner, path) if inner is not None else getattr(dataset, 'ann_file', None) == path


def _all_named(ids: Sequence[str], paths: Sequence[str]) -> bool:
    """Check if a list names all of these images."""
    ends = {osp.splitext(osp.basename(one.replace('\\', '/')))[0] for one in ids}
    return all(any(osp.basename(path).startswith(end) for end in ends) for path in paths)


def _fill_unlabeled(cfg: dict, excluded: Sequence[str], labeled: Any) -> None:
    """Tell an unlabeled set which images are labeled, and how to recognize masks that lie beside the images."""
    if excluded and cfg.get('exclude') is None:
        cfg['exclude'] = excluded
    suffix = getattr(labeled, 'seg_map_suffix', None)
    folder = getattr(labeled, 'data_prefix', {}).get('seg_map_path')
    if not cfg.get('ann_file') and cfg.get('mask_suffix') is None and suffix and folder is not None:
        images = osp.abspath(osp.join(cfg.get('data_root') or '', cfg.get('data_prefix', {}).get('img_path', '')))
        if (osp.abspath(folder) + osp.sep).startswith(images + osp.sep):
            cfg.update(mask_suffix=suffix, mask_folder=folder)
