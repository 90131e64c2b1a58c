"""Unlabeled images with pseudo-labels that a network wrote beforehand."""

import os.path as osp
import shlex
from typing import Any, List

from mmseg.registry import DATASETS

from ..errors import DatasetError
from .pseudo_label_files import MAP_KINDS, is_labeled, label_path
from .unlabeled_images import UnlabeledImages


@DATASETS.register_module()
class PseudoLabeledImages(UnlabeledImages):
    """Images and the maps that ``tools/pseudo_label.py`` wrote for them; ground truth is never read.

    The pipeline begins with ``LoadImageFromFile`` and ``LoadPseudoLabels`` and ends in ``PackPseudoLabels``.

    Args:
        pseudo_labels: Folder that the tool wrote, with ``masks/`` and ``confidence/``; not relative to ``data_root``.
        **kwargs: As for :class:`UnlabeledImages`. ``ann_file`` may be the tool's ``reliable.txt``.

    Raises:
        DatasetError: Images have no maps; says how many, and the command that makes them.
    """

    def __init__(self, pseudo_labels: str, **kwargs: Any) -> None:
        self.pseudo_labels = pseudo_labels
        super().__init__(**kwargs)

    def load_data_list(self) -> List[dict]:
        """List the images and their maps.

        Returns:
            One ``dict(img_path, pseudo_masks_path, pseudo_confidence_path)`` per image, sorted by path.
        """
        folder, data, missing = self.data_prefix['img_path'], super().load_data_list(), []
        for info in data:
            image_id = self.image_id(info['img_path'])
            info.update(
                {f'pseudo_{kind}_path': str(label_path(self.pseudo_labels, kind, image_id)) for kind in MAP_KINDS}
            )
            if not is_labeled(self.pseudo_labels, image_id):
                missing.append(image_id)
        if missing:
            raise DatasetError(
                f'{len(missing)} of {len(data)} images have no pseudo-labels in {osp.abspath(self.pseudo_labels)}, the '
                f'first one is {missing[0]}. Make them: python tools/pseudo_label.py <config> <checkpoint> '
                f'{shlex.join([str(folder), self.pseudo_labels])}'
            )
        return data
