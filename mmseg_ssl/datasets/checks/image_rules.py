"""Rules for all images of a set together: bits, orientation, channels."""

import os
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from mmengine.dataset import BaseDataset

from ..image_folder import IMAGES, MASK_ENDINGS, ImageFolder
from ..pipelines import pipeline_steps
from .image_files import ImageFacts, load_pixels, load_raw
from .report import Problem

SAMPLE = 16
"""Number of images with more than 8 bits that are decoded to learn the range of their values."""
NARROW = 64
"""If the network sees fewer of the 256 levels than this, the files have more bits than their values use."""


def left_out_warnings(key: str, dataset: BaseDataset) -> Iterator[Problem]:
    """Yield a warning if a folder holds images with another suffix than the set reads; a list names what it wants.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
    """
    prefix, suffixes = getattr(dataset, 'data_prefix', {}), getattr(dataset, 'img_suffix', ())
    root, masks = prefix.get('img_path'), prefix.get('seg_map_path')
    if not root or not suffixes or dataset.ann_file or getattr(dataset, 'backend_args', None):
        return
    suffixes = (suffixes,) if isinstance(suffixes, str) else tuple(suffixes)
    own, found = ImageFolder(root, suffixes), ImageFolder(root, (*IMAGES, *suffixes)).files()
    known = {parts[0] for name, suffix in found if (parts := own.split(name + suffix))}
    inner = os.path.relpath(masks, root) if masks else os.pardir

    def is_mask(name: str) -> bool:
        ends = (end for end in MASK_ENDINGS if name.lower().endswith(end))
        return name.startswith(f'{inner}{os.sep}') or name in known or any(name[: -len(end)] in known for end in ends)

    others = [name + suffix for name, suffix in found if not is_mask(name) and not own.split(name + suffix)]
    if others:
        yield Problem(
            'images left out',
            f'{key}: {len(others)} images in {root} do not end in {" or ".join(suffixes)}, such as {others[0]}, and '
            'are left out. Rename them, or say how images end with img_suffix.',
        )


def range_problems(
    key: str, dataset: BaseDataset, deep: Sequence[Tuple[str, dict]], mean: Optional[Sequence[float]]
) -> Iterator[Problem]:
    """Yield a problem if images have more than 8 bits and the network would see only a part of their range.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
        deep: Path and info of its images with more than 8 bits.
        mean: Mean of the preprocessor.

    Yields:
        The first image that the loader cannot read, and what the network would see of the others.
    """
    if not deep:
        return
    raw_high, low, high, clipped = 0.0, np.inf, 0.0, False
    kinds, read, lost = set(), [], 0
    for path, info in deep[:: -(-len(deep) // SAMPLE)]:
        try:
            pixels, raw = load_pixels(dataset, info), load_raw(dataset, info)
        except Exception as error:  # decoders raise many kinds
            lost += 1
            text = f'{path}: the loader of {key} cannot read it ({error}). {_loader_fix("its maximum")}'
            if lost == 1:
                yield Problem('deep images', text)
            continue
        read.append(path)
        kinds.add(pixels.dtype)
        low, high = min(low, np.percentile(pixels, 0.1)), max(high, np.percentile(pixels, 99.9))
        if raw is not None and raw.dtype.kind == 'u':
            raw_high = max(raw_high, np.percentile(raw, 99.9))
            clipped = clipped or (pixels == 255).mean() > 0.2 + (raw == raw.max()).mean()
    if not read:
        return
    path, more, bits = read[0], len(deep) - 1 - lost, int(max(raw_high, 1)).bit_length()
    top = 2**bits - 1 if raw_high else 'the largest value of the files'
    if kinds == {np.dtype(np.uint8)} and (clipped or high - low < NARROW):
        seen = 'values above 255 as white' if clipped else f'values {low:.0f} to {high:.0f} of 0 to 255'
        named = f'{path} and {more} more of {key} have' if more else f'{path} has'
        held = f' that hold values up to {raw_high:.0f}' if raw_high else ''
        yield Problem(
            'deep images',
            f'{named} more than 8 bits per channel{held}: the network would see {seen}. {_loader_fix(top)}',
        )
    elif kinds != {np.dtype(np.uint8)} and high > 16 * 255 and mean is not None and max(mean) <= 255:
        yield Problem(
            'deep images',
            f'{path} and {more} more of {key} are loaded with values up to {high:.0f}, but '
            f'model.data_preprocessor.mean is {list(mean)}, for 0 to 255. {_loader_fix(top)}',
        )


def depth_problems(key: str, dataset: BaseDataset, images: Sequence[ImageFacts]) -> Iterator[Problem]:
    """Yield a problem if images of 8 bits are scaled as if they had more, which makes them nearly black.

    Args:
        key: Place of the dataset in the config.
        dataset: A built dataset.
        images: Its images.
    """
    shallow = [image.path for image in images if not image.deep]
    if shallow and any(getattr(step, 'max_value', 0) > 255 for step in pipeline_steps(dataset)):
        yield Problem(
            'deep images',
            f'{shallow[0]} and {len(shallow) - 1} more of {key} have 8 bits per channel, but LoadDeepImage scales for '
            'more: they would be nearly black. Save all images with the same number of bits.',
        )


def _loader_fix(top: object) -> str:
    return (
        f"Write dict(type='LoadDeepImage', max_value={top}) instead of LoadImageFromFile, in the labeled, "
        'unlabeled and test pipelines; or save the images with 8 bits.'
    )


def orientation_warnings(images: List[Tuple[ImageFacts, Optional[tuple]]]) -> Iterator[Problem]:
    """Yield images with an EXIF rotation whose size does not tell if the mask is rotated in the same way.

    Args:
        images: Images, each with the size of its mask, if that is known.
    """
    for image, mask_size in images:
        ambiguous = image.orientation in (2, 3, 4) or (image.size and image.size[0] == image.size[1])
        if image.orientation != 1 and mask_size == image.size and ambiguous:
            yield Problem(
                'EXIF orientation',
                f'{image.path}: the loader rotates it by its EXIF orientation {image.orientation}, but not the mask. '
                'Check that the two agree; if not, save the image rotated and without the tag.',
            )


def channel_problems(dataset: BaseDataset, images: List[Tuple[ImageFacts, dict]]) -> Iterator[Problem]:
    """Yield files with other numbers of channels than the rest, if the loader keeps all channels.

    Args:
        dataset: A built dataset.
        images: Its images, each with the dataset's info.
    """
    if not any(getattr(step, 'color_type', '') == 'unchanged' for step in pipeline_steps(dataset)):
        return  # `color` always gives three channels, `grayscale` one
    first: Dict[int, dict] = {}
    for image, info in images:
        first.setdefault(image.channels, info)
    loaded: Dict[int, str] = {}  # headers do not tell everything: a palette may have transparency
    for info in first.values() if len(first) > 1 else ():
        pixels = load_pixels(dataset, info)
        loaded.setdefault(pixels.shape[2] if pixels.ndim == 3 else 1, info['img_path'])
    usual = next(iter(loaded), 0)
    for channels, path in list(loaded.items())[1:]:
        yield Problem(
            'channels',
            f"{path}: {channels} channel(s), but {loaded[usual]} has {usual}, and color_type='unchanged' keeps them. "
            "Convert all files to one kind, or load with color_type='color'.",
        )
