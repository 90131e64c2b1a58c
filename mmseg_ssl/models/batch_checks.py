"""Checks of a batch of images, and torch's errors about one in the words of a config."""

import re
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from torch import Tensor

from ..errors import UserError

ONE_VALUE = 'Expected more than 1 value per channel'
OTHER_CHANNELS = re.compile(r'expected input.* to have (\d+) channels, but got (\d+) channels')


class BatchError(UserError, ValueError):
    """Images of a batch that do not fit the settings; the message says which, and what to change."""


def check_channels(images: Sequence[Tensor], samples: Optional[Sequence[Any]], mean: Optional[Tensor]) -> None:
    """Refuse images whose channels differ, or do not fit the mean, which would silently be repeated.

    Args:
        images: ``(C, H, W)`` each.
        samples: Their samples, for the name of a file.
        mean: ``(M, 1, 1)``, or None.

    Raises:
        BatchError: If they do not fit.
    """
    first = len(images[0])
    other = next((index for index, image in enumerate(images) if len(image) != first), None)
    if other is not None:
        raise BatchError(
            f'{_name(samples, 0)} has {first} channels, {_name(samples, other)} has {len(images[other])}. Load all '
            "alike: LoadImageFromFile(color_type='color'), or 'grayscale'."
        )
    if mean is not None and len(mean) not in (1, first):
        raise BatchError(
            f'{_name(samples, 0)} has {first} channels, data_preprocessor.mean and std have {len(mean)}. Give '
            f'{first} values each and backbone.in_channels={first}, or load {len(mean)} channels: '
            "LoadImageFromFile(color_type='color') gives 3, 'grayscale' 1, 'unchanged' those of the file."
        )


def check_views(inputs: Dict[str, Any]) -> None:
    """Refuse a batch that another collate function made, in which the unlabeled images lie in groups.

    Args:
        inputs: View -> its images.

    Raises:
        BatchError: If a view is no list of images.
    """
    wrong = next((view for view, images in inputs.items() if not all(isinstance(one, Tensor) for one in images)), None)
    if wrong:
        raise BatchError(
            f'the view {wrong!r} is no list of images, which the methods need. Set '
            "train_dataloader.collate_fn=dict(type='semi_collate')."
        )


def check_masks(samples: Sequence[Any]) -> None:
    """Refuse labeled images without a mask: the supervised loss is of all of them.

    Args:
        samples: Samples of the labeled view.

    Raises:
        BatchError: If one has none; names it.
    """
    bare = [index for index, sample in enumerate(samples) if 'gt_sem_seg' not in sample]
    if bare:
        raise BatchError(
            f'{_name(samples, bare[0])} has no mask, as {len(bare)} of the {len(samples)} labeled images of a batch. '
            "Let the pipelines of all labeled sets load masks (dict(type='LoadAnnotations')) and keep them, and move "
            'images without a mask to the unlabeled set, train_dataloader.dataset.unlabeled.'
        )


def check_sizes(images: Sequence[Tensor], samples: Optional[Sequence[Any]], size: Optional[Tuple[int, int]]) -> None:
    """Refuse images of several sizes unless they are padded to one.

    Args:
        images: ``(C, H, W)`` each.
        samples: Their samples, for the name of a file.
        size: Size that all are padded to, or None.

    Raises:
        BatchError: If there is no such size, or an image is larger.
    """
    heights, widths = zip(*(image.shape[1:] for image in images))
    fits = size is not None and max(heights) <= size[0] and max(widths) <= size[1]
    if len(set(zip(heights, widths))) == 1 or fits:
        return
    other = next(i for i in range(len(images)) if (heights[i], widths[i]) != (heights[0], widths[0]))
    # a multiple of 32 fits every backbone, whatever its stride
    needed = tuple(-(-max(side) // 32) * 32 for side in (heights, widths))
    raise BatchError(
        f'a batch has images of several sizes, {_name(samples, 0)} of {heights[0]}x{widths[0]} and '
        f'{_name(samples, other)} of {heights[other]}x{widths[other]}. Set batch_size=1 in val_dataloader and '
        f'test_dataloader, or pad: model.data_preprocessor.test_cfg=dict(size={needed}), at least the largest image.'
    )


def _name(samples: Optional[Sequence[Any]], index: int) -> str:
    return samples[index].metainfo.get('img_path', f'image {index}') if samples else f'image {index}'


@contextmanager
def readable_torch_errors(views: Sequence[Tensor]) -> Iterator[None]:
    """Translate what torch says of a batch that a network cannot take into the words of a config.

    Args:
        views: Inputs of the network, ``(B, C, H, W)`` each.

    Raises:
        BatchError: If BatchNorm has one value per channel, or the images have other channels than the network.
    """
    try:
        yield
    except (ValueError, RuntimeError) as error:
        channels = OTHER_CHANNELS.search(str(error))
        if channels and int(channels.group(2)) in {view.shape[1] for view in views}:  # else it is not about images
            here, got = channels.groups()
            raise BatchError(
                f'the network takes images of {here} channels, the batch has {got}. Set backbone.in_channels={got} '
                'where the backbone has it, or load other images: LoadImageFromFile(color_type=...), with mean and '
                'std of as many values in data_preprocessor.'
            ) from error
        if ONE_VALUE in str(error):
            sizes = ', '.join(str(len(view)) for view in views)
            raise BatchError(
                f'BatchNorm has one value for each channel (batches of {sizes} image(s)): its mean is that value. A '
                'layer that pools the whole image, such as that of ASPP and PSP heads, needs 2 images in every call: '
                'set train_dataloader.batch_size=2 or more (unlabeled ones are batch_size * unlabeled_per_labeled), '
                'or norm_cfg=dict(type="SyncBN") on several GPUs, or dict(type="GN", num_groups=32).'
            ) from error
        raise
