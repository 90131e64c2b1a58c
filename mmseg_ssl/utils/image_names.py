"""Names of the files in which predictions for images are written."""

import os
from typing import Any, Optional


def name_of_image(path: str, root: Optional[str]) -> str:
    """Return the path of an image below a folder, without suffix; if it is not below it, only the file name.

    Args:
        path: The image.
        root: The folder.

    Returns:
        A name such as ``frankfurt/000001``, which never leads out of the folder in which it is used.

    Example:
        >>> name_of_image('data/img/a/0.png', 'data/img'), name_of_image('data/img/a/0.png', None)
        ('a/0', '0')
    """
    stem = os.path.splitext(os.path.abspath(path))[0]
    below = os.path.relpath(stem, os.path.abspath(root)) if root else os.pardir
    return os.path.basename(stem) if below.split(os.sep)[0] == os.pardir else below


def image_root(dataset: Any) -> Optional[str]:
    """Return the folder that holds all images of a dataset: its ``data_prefix``, or the folder above all of them.

    Args:
        dataset: Any dataset of the host; may be a wrapper.

    Returns:
        The folder, or None if the dataset does not list its images.
    """
    if not hasattr(dataset, 'get_data_info') or not len(dataset):
        return None
    paths = [dataset.get_data_info(index).get('img_path') for index in range(len(dataset))]
    if None in paths:
        return None
    folders = {os.path.dirname(os.path.abspath(path)) for path in paths}
    prefix = getattr(dataset, 'data_prefix', {}).get('img_path')
    return os.path.commonpath(folders | ({os.path.abspath(prefix)} if prefix else set()))
