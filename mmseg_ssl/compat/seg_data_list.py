"""Patch of the host's datasets, see :mod:`mmseg_ssl.compat`."""

from typing import Any, Dict, List


def patch_seg_data_list() -> None:
    """Let the host's datasets read lists and folders as people have them.

    ``BaseSegDataset`` takes every line of a list for an id, so that a byte order mark, a blank line or a suffix ends in
    a missing file in the middle of training. It finds no image where the suffix is ``.JPG``, and fails with an empty
    ``concatenate``. It reads a folder that links to itself forty times.
    """
    from mmseg.datasets import BaseSegDataset

    def load_data_list(self: Any) -> List[Dict[str, Any]]:
        """List images and masks: see ``mmseg_ssl.datasets.seg_data_list``."""
        from ..datasets.seg_data_list import list_images_and_masks

        return list_images_and_masks(self)

    BaseSegDataset.load_data_list = load_data_list
