"""Masks of images that train without: what is taught can be compared with them, and nothing else reads them."""

import copy
import os.path as osp
from pathlib import Path
from typing import Any, List

import torch
from mmseg.datasets.transforms import LoadAnnotations
from torch import Tensor

from ..errors import DatasetError
from ..structures import IGNORE_INDEX
from ..utils.random import seeded
from .image_folder import ImageFolder
from .transforms.scribbles import LoadScribbles


class HiddenMasks:
    """Loads the mask of an image as the pipeline has cropped it.

    The image goes through its pipeline a second time, with the mask beside it and with the same random choices, so
    training does not change, and a step costs a second decoding. If a step of
    scribbled images reads masks to choose a crop (``cat_max_ratio``), the second crop may be another one: such a mask
    is 255 everywhere.

    Args:
        dataset: The images, with the pipeline that they train with.
        labeled: The dataset of labeled images, which says how masks are named and read.
        folder: Folder of the masks, each under its image's path below the image folder; where those of labeled images
            are, if empty.
    """

    def __init__(self, dataset: Any, labeled: Any, folder: str = '') -> None:
        self.dataset, self.labeled = dataset, _innermost(labeled)
        self.folder = folder or self.labeled.data_prefix['seg_map_path']
        given = getattr(_innermost(dataset), 'img_suffix', ())
        suffixes = (given,) if isinstance(given, str) else given
        self.names = ImageFolder('', (*suffixes, self.labeled.img_suffix))  # lists nothing: it splits names
        self.steps = _with_masks(_innermost(dataset).pipeline.transforms, self.labeled.pipeline.transforms)

    def require(self) -> None:
        """Make sure that there are masks.

        Raises:
            DatasetError: There is none.
        """
        paths = [self.path(index) for index in range(len(self.dataset))]
        if not any(Path(path).is_file() for path in paths):
            raise DatasetError(
                f'hidden_masks: none of the {len(paths)} images has a mask, such as {paths[0]}. Give the folder of the '
                'masks, train_dataloader.dataset.hidden_masks=FOLDER, or leave the option out.'
            )

    def path(self, index: int) -> str:
        """Return the path of a mask, whether there is such a file or not.

        Args:
            index: Of the image.
        """
        image = self.dataset.get_data_info(index)['img_path']
        name = osp.relpath(image, _innermost(self.dataset).data_prefix['img_path'])
        # a suffix may be more than an extension, as in Cityscapes
        known, _ = self.names.split(name) or osp.splitext(name)
        return osp.join(self.folder, known + self.labeled.seg_map_suffix)

    def load(self, index: int, seed: int, image: Tensor) -> Tensor:
        """Load the mask of a crop.

        Args:
            index: Of the image.
            seed: Of the crop's random choices.
            image: The crop, ``(3, H, W)``.

        Returns:
            ``(1, H, W)`` uint8, 255 where nothing is known.
        """
        nothing = torch.full((1, *image.shape[1:]), IGNORE_INDEX, dtype=torch.uint8)
        path = self.path(index)
        if not Path(path).is_file():
            return nothing
        info = copy.deepcopy(self.dataset.get_data_info(index))
        known = dict(label_map=self.labeled.label_map, reduce_zero_label=self.labeled.reduce_zero_label)
        results: Any = dict(info, seg_map_path=path, seg_fields=[], **known)
        with seeded(seed):
            for step in self.steps:
                results = step(results)
        same = torch.equal(results['inputs'], image)
        return results['data_samples'].gt_sem_seg.data.to(torch.uint8) if same else nothing


def _innermost(dataset: Any) -> Any:
    """Return the first dataset that wraps no other."""
    while hasattr(dataset, 'dataset') or hasattr(dataset, 'datasets'):
        dataset = dataset.dataset if hasattr(dataset, 'dataset') else dataset.datasets[0]
    return dataset


def _with_masks(steps: List[Any], labeled: List[Any]) -> List[Any]:
    """Put a step that loads masks, that of the labeled images if it is one of full masks, behind the first step."""
    loads = [step for step in labeled if isinstance(step, LoadAnnotations) and not isinstance(step, LoadScribbles)]
    own = [step for step in steps if not isinstance(step, LoadAnnotations)]
    return [own[0], loads[0] if loads else LoadAnnotations(), *own[1:]]
