"""Bad data is found before training starts, and the error names the file and the fix."""

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Iterable, Iterator, List, Optional, Tuple

import numpy as np
from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmengine.dist import get_world_size
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_ssl.datasets.errors import DatasetError
from mmseg_ssl.datasets.semi_dataset import SemiDataset
from mmseg_ssl.datasets.sources import require_data
from mmseg_ssl.datasets.transforms import find_scribble_loader
from mmseg_ssl.structures import UNLABELED

MAX_PROBLEMS = 20
# What Pillow reads as OpenCV does; other formats belong to loaders that only a pipeline knows.
PLAIN_IMAGES = ('.jpg', '.jpeg', '.png', '.bmp')
EXIF_ORIENTATION = 0x0112


def check_semi_dataset(cfg: dict, full: bool = False) -> int:
    """Check the training data of a config.

    Cheap things first (folders, lists, sizes of sets), then every labelled image and mask is
    decoded.

    Args:
        cfg: A whole config with ``train_dataloader``; default scope ``mmseg``.
        full: Also decode the unlabelled images and check the data of ``val_dataloader`` and
            ``test_dataloader``.

    Returns:
        Number of images that were checked.

    Raises:
        DatasetError: Lists up to 20 problems, each with the file and the fix.
    """
    loader = cfg['train_dataloader']
    dataset = _build(loader['dataset'])
    semi = isinstance(dataset, SemiDataset)
    labeled = dataset.labeled if semi else dataset
    problems = list(_set_problems(loader, dataset)) if semi else []
    jobs = [(labeled, True)]
    if full:
        if semi and dataset.unlabeled is not None:
            jobs.append((dataset.unlabeled, False))
        loaders = [cfg.get('val_dataloader'), cfg.get('test_dataloader')]
        jobs += [(_build(one['dataset']), True) for one in loaders if one]
    for images, with_masks in jobs:
        problems += _file_problems(images, with_masks, MAX_PROBLEMS - len(problems))
    if problems:
        more = ' (the first ones; there may be more)' if len(problems) >= MAX_PROBLEMS else ''
        listed = '\n  '.join(problems)
        raise DatasetError(f'{len(problems)} problem(s) with the data{more}:\n  {listed}')
    return sum(len(images) for images, _ in jobs)


def _build(cfg: dict) -> BaseDataset:
    """Build a dataset; an absent folder stops with the hint how to get the data."""
    require_data(cfg)
    dataset = DATASETS.build(cfg)
    dataset.full_init()
    return dataset


def _set_problems(loader: dict, dataset: SemiDataset) -> Iterator[str]:
    """What is wrong with the sizes of the two sets."""
    batch = loader.get('batch_size', 1) * get_world_size()
    if len(dataset) < batch:
        yield (
            f'The labelled set ({_name(dataset.labeled)}) has {len(dataset)} image(s), the batch '
            f'{batch}: set train_dataloader.batch_size to at most {len(dataset)} over all '
            'processes, or take a larger list.'
        )
    if dataset.unlabeled is None:
        return
    size, wanted = len(dataset.unlabeled), batch * dataset.unlabeled_per_labeled
    distinct = loader['sampler'].get('distinct') or size - size // 4
    if distinct < wanted <= size:
        yield (
            f'A batch takes {wanted} of {size} unlabelled images, but only {distinct} are sure to '
            f'differ: set train_dataloader.sampler.distinct={wanted}.'
        )


def _name(dataset: BaseDataset) -> str:
    """The list or the folder of a dataset."""
    prefix = getattr(dataset, 'data_prefix', {})
    return getattr(dataset, 'ann_file', '') or prefix.get('img_path') or type(dataset).__name__


def _file_problems(dataset: BaseDataset, with_masks: bool, limit: int) -> List[str]:
    """The first ``limit`` problems with the files of a dataset."""
    if not len(dataset):
        return [f'{_name(dataset)} holds no image. Correct data_prefix, img_suffix or the list.']

    def check(index: int) -> Iterable[str]:
        return list(_sample_problems(dataset, dataset.get_data_info(index), with_masks))

    with ThreadPoolExecutor() as pool:  # decoding releases the interpreter lock
        found = (problem for some in pool.map(check, range(len(dataset))) for problem in some)
        problems = list(islice(found, max(limit, 0)))
        pool.shutdown(cancel_futures=True)
    return problems


def _sample_problems(dataset: BaseDataset, info: dict, with_masks: bool) -> Iterator[str]:
    """What is wrong with one image and its mask."""
    path, mask_path = info['img_path'], info.get('seg_map_path')
    size, _, problem = _read(path, dataset, pixels=False)
    if problem == 'missing' and with_masks:
        yield (
            f'{path}: missing, but {_name(dataset)} names it. Remove its line from the list, or '
            'correct data_prefix.img_path and img_suffix.'
        )
    elif problem:
        yield f'{path}: {problem}. Get the file again, or remove it from the list.'
    if not with_masks:
        return
    if mask_path is None:
        yield f'{path}: no mask is configured. Set data_prefix.seg_map_path of the labelled data.'
        return
    mask_size, mask, problem = _read(mask_path, dataset, pixels=True)
    if problem or mask is None:
        yield (
            f'{mask_path}: {problem}. Every labelled image needs its mask: get the file again, '
            'correct data_prefix.seg_map_path and seg_map_suffix, or remove it from the list.'
        )
        return
    if size and mask_size and size != mask_size:
        yield (
            f'{mask_path}: the mask is {mask_size[0]}x{mask_size[1]}, its image {path} is '
            f'{size[0]}x{size[1]}. Pair them correctly, or resize the mask with nearest neighbour.'
        )
    yield from _mask_problems(mask_path, mask, dataset, info)


def _mask_problems(path: str, mask: np.ndarray, dataset: BaseDataset, info: dict) -> Iterator[str]:
    """What is wrong with the content of a mask."""
    if mask.ndim != 2:
        yield (
            f'{path}: the mask has {mask.shape[-1]} channels, expected one that holds class '
            'indices. Convert colours to indices with the palette of the data set.'
        )
        return
    classes, ignore = len(dataset.metainfo['classes']), getattr(dataset, 'ignore_index', 255)
    known = set(info.get('label_map') or range(classes)) | {ignore}
    if info.get('reduce_zero_label'):  # 0 becomes ignored and k becomes k - 1
        known |= {0, classes, 255}
    scribbles = find_scribble_loader(dataset)
    if scribbles:
        known = known - {ignore} | scribbles.file_values
        yield from (f'{path}: {problem}.' for problem in scribbles.problems(mask, info))
    hint = '' if scribbles else ', or, where it is what scribbles leave unlabelled, load the mask with LoadScribbles'
    ids, counts = np.unique(mask, return_counts=True)
    bad = {int(i): int(n) for i, n in zip(ids, counts) if int(i) not in known}
    if bad:
        pixels = ', '.join(f'{i} ({n} pixels)' for i, n in islice(bad.items(), 8))
        yield (
            f'{path}: label id {pixels}; there are {classes} classes (0 to {classes - 1}) and the '
            f'ignore index {ignore}. Rewrite these pixels as {ignore}, or map them to a class'
            f'{hint if UNLABELED in bad else ""}.'
        )


def _read(path: str, dataset: BaseDataset, pixels: bool) -> Tuple[Optional[Tuple[int, int]], Optional[np.ndarray], str]:
    """Width and height, pixels if wanted, and what went wrong (empty if nothing)."""
    backend = getattr(dataset, 'backend_args', None)
    if not fileio.exists(path, backend_args=backend):
        return None, None, 'missing'
    scribbles = find_scribble_loader(dataset)
    if pixels and scribbles and path.lower().endswith('.xml'):
        try:
            mask = scribbles.decode(fileio.get(path, backend_args=backend), path)
            return (mask.shape[1], mask.shape[0]), mask, ''
        except DatasetError as error:
            return None, None, str(error)
    if not path.lower().endswith(PLAIN_IMAGES):
        # Exotic formats cannot be judged here; an empty map stands in for a good mask.
        return None, np.zeros((1, 1), np.uint8) if pixels else None, ''
    try:
        with Image.open(io.BytesIO(fileio.get(path, backend_args=backend))) as image:
            size = image.size
            if pixels:
                return size, np.asarray(image), ''
            if image.getexif().get(EXIF_ORIENTATION, 1) > 4:
                size = size[::-1]  # the host's decoder turns the image as the tag says
            image.draft('RGB', (size[0] // 8, size[1] // 8))  # JPEG: all bytes, 1/8 of the work
            image.load()
            return size, None, ''
    except Exception as error:  # Pillow raises many kinds
        return None, None, f'cannot be decoded ({type(error).__name__}: {error})'
