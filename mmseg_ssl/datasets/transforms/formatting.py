"""What leaves a worker."""

import torch
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackSemiInputs(PackSegInputs):
    """Pack image, mask and metainfo as the host does, but leave the mask in uint8.

    The host casts masks to int64 in the worker: eight times the bytes through shared memory and
    over the bus, for labels that fit into one. The preprocessor casts on the device. Works for
    image-only data: without a mask there is none.
    """

    def transform(self, results: dict) -> dict:
        """Pack one image.

        Args:
            results: With ``img`` ``(H, W, 3)`` and, for a labelled image, ``gt_seg_map`` ``(H,
                W)``.

        Returns:
            ``dict(inputs=(3, H, W) uint8, data_samples=SegDataSample)``, ``gt_sem_seg`` ``(1, H,
            W)`` uint8.
        """
        packed = super().transform(results)
        sample = packed['data_samples']
        if 'gt_sem_seg' in sample:
            sample.gt_sem_seg.data = sample.gt_sem_seg.data.to(torch.uint8)
        return packed
