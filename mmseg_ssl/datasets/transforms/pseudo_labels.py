"""Loading and packing of offline pseudo-labels in the host's pipeline."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS

from ...errors import DatasetError
from ..pseudo_label_files import read_label
from .formatting import PackSemiInputs


@TRANSFORMS.register_module()
class LoadPseudoLabels(BaseTransform):
    """Load the maps of :class:`~mmseg_ssl.datasets.PseudoLabeledImages`, label and confidence, ``(H, W, 2)`` uint8.

    Inside the pipeline they have the name of the mask, because the host's resize, crop and flip act on it;
    :class:`PackPseudoLabels` gives them their own name. They are not ground truth.
    """

    def transform(self, results: dict) -> dict:
        """Load the maps of one image.

        Args:
            results: Dict with ``pseudo_masks_path`` and ``pseudo_confidence_path``.

        Returns:
            The dict with ``gt_seg_map``.

        Raises:
            DatasetError: A file is damaged, or its size differs from the image's.
        """
        paths = results['pseudo_masks_path'], results['pseudo_confidence_path']
        results['gt_seg_map'] = np.dstack(read_label(*paths))
        results['seg_fields'] = ['gt_seg_map']
        if results['gt_seg_map'].shape[:2] != results['img'].shape[:2]:
            raise DatasetError(
                f'{paths[0]} has size {results["gt_seg_map"].shape[:2]}, its image {results["img_path"]} has '
                f'{results["img"].shape[:2]}: they belong to other images. Run tools/pseudo_label.py on these.'
            )
        return results


@TRANSFORMS.register_module()
class PackPseudoLabels(PackSemiInputs):
    """Pack an image with its pseudo-label as ``pseudo_sem_seg``, ``(2, H, W)`` uint8: classes, confidence times 255.

    The sample has no ``gt_sem_seg``.
    """

    def transform(self, results: dict) -> dict:
        """Pack one image.

        Args:
            results: Dict with ``img`` and the ``gt_seg_map`` of :class:`LoadPseudoLabels`.

        Returns:
            ``dict(inputs=(3, H, W) uint8, data_samples=SegDataSample)``.
        """
        maps = results.pop('gt_seg_map')
        packed = super().transform(results)
        data = torch.from_numpy(np.ascontiguousarray(maps.transpose(2, 0, 1)))
        packed['data_samples'].set_data(dict(pseudo_sem_seg=PixelData(data=data)))
        return packed
