"""Names under which what is predicted of images is written."""

import os
from typing import Any, Optional


def name_of_image(path: str, root: Optional[str]) -> str:
    """Path of an image below a folder, without suffix; without a folder above it, the file's name alone.

    Args:
        path: The image.
        root: The folder.

    Returns:
        Such as ``frankfurt/000001``; it never leaves the folder that it is put in.

    Example:
        >>> name_of_image('data/img/a/0.png', 'data/img'), name_of_image('data/img/a/0.png', None)
        ('a/0', '0')
    """
    stem = os.path.splitext(os.path.abspath(path))[0]
    below = os.path.relpath(stem, os.path.abspath(root)) if root else os.pardir
    return os.path.basename(stem) if below.split(os.sep)[0] == os.pardir else below


def image_root(dataset: Any) -> Optional[str]:
    """Folder that holds all images of a dataset: its ``data_prefix`` where that does, else what they share.

    Args:
        dataset: Any dataset of the host, also a wrapper.

    Returns:
        The folder, or None where the dataset does not say what it holds.
    """
    if not hasattr(dataset, 'get_data_info') or not len(dataset):
        return None
    paths = [dataset.get_data_info(index).get('img_path') for index in range(len(dataset))]
    if None in paths:
        return None
    folders = {os.path.dirname(os.path.abspath(path)) for path in paths}
    prefix = getattr(dataset, 'data_prefix', {}).get('img_path')
    return os.path.commonpath(folders | ({os.path.abspath(prefix)} if prefix else set()))
