"""Lists the files of the host's datasets with the same care as those of the unlabeled ones."""

import os.path as osp
from typing import Any, List, Optional

from ..errors import DatasetError
from .id_lists import match_ids
from .image_folder import ImageFolder, leave_out_masks
from .sources import require_folder
from .splits import locate_list


def list_images_and_masks(dataset: Any) -> List[dict]:
    """List images and masks in the order and form of ``BaseSegDataset.load_data_list``.

    :mod:`mmseg_ssl.compat` replaces that method with this function. The host takes a list's lines as they are, looks
    for suffixes in one case, and follows circular links.

    Args:
        dataset: A ``BaseSegDataset``.

    Returns:
        One entry per image, in the list's order, or sorted by path.

    Raises:
        DatasetError: A list names an image that does not exist, or a folder holds none.
    """
    prefix, backend = dataset.data_prefix, dataset.backend_args
    if prefix.get('img_path') is None:
        raise DatasetError(f'data_prefix of {type(dataset).__name__} has no img_path, the folder of its images.')
    images = ImageFolder(prefix['img_path'], (dataset.img_suffix,), backend)
    if images.is_local:
        require_folder(images.root, type(dataset).__name__)
    folder: Optional[str] = prefix.get('seg_map_path')
    masks = None if folder is None else ImageFolder(folder, (dataset.seg_map_suffix,), backend)
    if dataset.ann_file and not osp.isdir(dataset.ann_file):
        path = locate_list(dataset.ann_file, None)
        ids = match_ids(path, images, masks, dataset.data_root or '')
        names = [(image_id, images.find(image_id) or image_id + dataset.img_suffix) for image_id in ids]
    else:
        found = leave_out_masks(images.files(), images, folder, dataset.seg_map_suffix)
        names = [(image_id, image_id + suffix) for image_id, suffix in found]
    if not names:
        raise DatasetError(images.nothing_found())
    entries = [_data_info(dataset, images, masks, *pair) for pair in names]
    return entries if dataset.ann_file else sorted(entries, key=lambda entry: entry['img_path'])


def _data_info(dataset: Any, images: ImageFolder, masks: Optional[ImageFolder], image_id: str, name: str) -> dict:
    """Return the dict that a pipeline starts from."""
    info = dict(img_path=osp.join(images.root, name))
    if masks is not None:
        mask = masks.find(image_id) or image_id + dataset.seg_map_suffix  # a missing one is reported when it is read
        info['seg_map_path'] = osp.join(masks.root, mask)
    return dict(info, label_map=dataset.label_map, reduce_zero_label=dataset.reduce_zero_label, seg_fields=[])
