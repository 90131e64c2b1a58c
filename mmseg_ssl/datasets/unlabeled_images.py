"""Images without labels: a folder, a list, or a list of a folder. A mask is never looked for."""

import os.path as osp
from typing import List, Optional, Sequence, Tuple, Union

from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from mmseg_ssl.datasets.errors import DatasetError
from mmseg_ssl.datasets.splits import find_split, locate_list, read_ids


@DATASETS.register_module()
class UnlabeledImages(BaseDataset):
    """Unlabelled images; nothing here knows of masks, so none can leak.

    Args:
        ann_file: List of image ids, one a line; below ``data_root``, or any name that
            :func:`find_split` takes. Empty (the default): every image of the folder, subfolders
            included.
        exclude: List of image ids to leave out, usually the labelled ones; a name that
            :func:`find_split` takes.
        img_suffix: What follows the id in a file name. Several may be given for a folder that mixes
            formats; a list of ids needs exactly one.
        data_root: Root that ``data_prefix`` and ``ann_file`` are relative to.
        data_prefix: ``dict(img_path=<image folder>)``.
        backend_args: File backend, as everywhere in the host.
        **kwargs: As in mmengine's ``BaseDataset``, ``pipeline`` above all.

    Raises:
        DatasetError: The folder is missing, or no image is left.
    """

    ann_file: str

    def __init__(
        self,
        ann_file: str = '',
        exclude: str = '',
        img_suffix: Union[str, Sequence[str]] = '.jpg',
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        backend_args: Optional[dict] = None,
        **kwargs,
    ) -> None:
        self.img_suffix: Tuple[str, ...] = (img_suffix,) if isinstance(img_suffix, str) else tuple(img_suffix)
        self.exclude = exclude
        self.backend_args = backend_args
        prefix = data_prefix or dict(img_path='')
        super().__init__(ann_file=ann_file, data_root=data_root, data_prefix=prefix, **kwargs)

    def load_data_list(self) -> List[dict]:
        """List the images.

        Returns:
            One ``dict(img_path=...)`` per image, sorted by path, so that an index means the same
            image everywhere.
        """
        folder = self.data_prefix['img_path']
        found = self._from_list() if self.ann_file else self._from_folder(folder)
        left_out = set(read_ids(find_split(self.exclude))) if self.exclude else set()
        kept = sorted((name, suffix) for name, suffix in found if name not in left_out)
        if not kept:
            source = self.ann_file or f'folder {folder} (suffix {" ".join(self.img_suffix)})'
            raise DatasetError(
                f'No unlabelled image is left: {source} holds {len(found)}, and the list to '
                f'exclude ({self.exclude or "none given"}) holds them all. Add images, take a '
                'smaller labelled list, or set unlabeled=None to train on labelled images alone.'
            )
        return [dict(img_path=osp.join(folder, name + suffix)) for name, suffix in kept]

    def image_id(self, path: str) -> str:
        """The id of an image: its path below the image folder, without suffix.

        Args:
            path: ``img_path`` of an image of this dataset.
        """
        name = osp.relpath(path, self.data_prefix['img_path'])
        return self._split_suffix(name)[0]

    def _split_suffix(self, name: str) -> Tuple[str, str]:
        """Id and suffix; the longest suffix that fits: with ('.png', '_rgb.png'), 'a_rgb.png' is image 'a'."""
        suffix = max((s for s in self.img_suffix if name.endswith(s)), key=len)
        return name[: -len(suffix)], suffix

    def _from_folder(self, folder: str) -> List[Tuple[str, str]]:
        """Ids and suffixes of all images below a folder."""
        if not fileio.isdir(folder, backend_args=self.backend_args):
            raise DatasetError(
                f'No folder of unlabelled images: looked in {osp.abspath(folder)}. Correct '
                'data_root or data_prefix.img_path of the unlabelled dataset, or link the data '
                'there.'
            )
        names = fileio.list_dir_or_file(
            folder,
            list_dir=False,
            suffix=self.img_suffix,
            recursive=True,
            backend_args=self.backend_args,
        )
        return [self._split_suffix(name) for name in names]

    def _from_list(self) -> List[Tuple[str, str]]:
        """Ids of a list file, each with the one suffix."""
        if len(self.img_suffix) != 1:
            raise DatasetError(
                f'{self.ann_file}: a list of image ids needs exactly one img_suffix, got {self.img_suffix}.'
            )
        return [(name, self.img_suffix[0]) for name in read_ids(self.ann_file)]

    def _join_prefix(self) -> None:
        """Join paths as the host does, but find the shipped lists too."""
        if self.ann_file:
            self.ann_file = locate_list(self.ann_file, self.data_root)
        super()._join_prefix()
