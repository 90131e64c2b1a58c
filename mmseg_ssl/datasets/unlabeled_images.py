"""Images without labels, from a folder or a list; masks are never looked for."""

import os.path as osp
from typing import Any, List, Optional, Sequence, Tuple, Union

from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from ..errors import DatasetError
from .id_lists import clean_id, match_ids
from .image_folder import ImageFolder, leave_out_masks, refuse_mask_names
from .same_files import SameFiles
from .splits import find_split, locate_list, read_ids


@DATASETS.register_module()
class UnlabeledImages(BaseDataset):
    """Unlabeled images; the class does not read masks, so no ground truth can leak.

    Args:
        ann_file: List of image ids, one per line: a path below ``data_root``, or any name that :func:`find_split`
            takes. Empty (the default): every image of the folder and its subfolders.
        exclude: Images to leave out: the name of a list of ids, as :func:`find_split` takes it; or paths of images,
            usually the labeled ones, which leave out these files and files elsewhere with the same name and content.
        img_suffix: Suffix behind the id in a file name, in any case. Several may be given for a folder of mixed
            formats; a list of ids needs exactly one.
        mask_suffix: Suffix behind the id in the name of a mask, if the folder also holds masks: such files are left
            out. ``None``: a folder with names like ``a.png`` and ``a_mask.png`` is refused; ``''``: they are images.
            :class:`SemiDataset` sets it from its labeled data.
        mask_folder: Folder of these masks. Default: beside the images.
        data_root: Root that ``data_prefix`` and ``ann_file`` are relative to.
        data_prefix: ``dict(img_path=<image folder>)``.
        backend_args: File backend, as everywhere in the host.
        **kwargs: As in mmengine's ``BaseDataset``, ``pipeline`` above all.

    Raises:
        DatasetError: The folder is missing, no image is left, or images cannot be told from masks.
    """

    ann_file: str

    def __init__(
        self,
        ann_file: str = '',
        exclude: Union[str, Sequence[str]] = '',
        img_suffix: Union[str, Sequence[str]] = '.jpg',
        mask_suffix: Optional[str] = None,
        mask_folder: Optional[str] = None,
        data_root: str = '',
        data_prefix: Optional[dict] = None,
        backend_args: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        self.img_suffix: Tuple[str, ...] = (img_suffix,) if isinstance(img_suffix, str) else tuple(img_suffix)
        self.exclude = exclude
        self.mask_suffix, self.mask_folder = mask_suffix, mask_folder
        self.backend_args = backend_args
        prefix = data_prefix or dict(img_path='')
        super().__init__(ann_file=ann_file, data_root=data_root, data_prefix=prefix, **kwargs)

    def load_data_list(self) -> List[dict]:
        """List the images.

        Returns:
            One ``dict(img_path=...)`` per image, sorted by path, so that an index means the same image everywhere.
        """
        folder = ImageFolder(self.data_prefix['img_path'], self.img_suffix, self.backend_args)
        found = self._from_list(folder) if self.ann_file else self._from_folder(folder)
        if not found:
            raise DatasetError(f'No unlabeled image: {folder.nothing_found()}')
        kept = self._without_excluded(sorted(found), folder)
        if not kept:
            source = self.ann_file or f'folder {folder.root} (suffix {" ".join(self.img_suffix)})'
            excluded = self.exclude if isinstance(self.exclude, str) else 'the labeled images'
            raise DatasetError(
                f'No unlabeled image is left: {source} holds {len(found)}, and the list to '
                f'exclude ({excluded}) holds them all. Add images, take a '
                'smaller labeled list, or set unlabeled=None to train only on labeled images.'
            )
        return [dict(img_path=osp.join(folder.root, name + suffix)) for name, suffix in kept]

    def image_id(self, path: str) -> str:
        """Return the id of an image: its path below the image folder, without suffix.

        Args:
            path: ``img_path`` of an image of this dataset.
        """
        return clean_id(osp.relpath(path, self.data_prefix['img_path']), ImageFolder('', self.img_suffix))

    def _without_excluded(self, found: List[Tuple[str, str]], folder: ImageFolder) -> List[Tuple[str, str]]:
        """Leave out the images that ``exclude`` names."""
        if isinstance(self.exclude, str):
            listed = read_ids(find_split(self.exclude)) if self.exclude else []
            ids = {name for line in listed for name in (line, clean_id(line, folder))}
            return [(name, suffix) for name, suffix in found if name not in ids]
        excluded = SameFiles(self.exclude)
        return [parts for parts in found if osp.join(folder.root, ''.join(parts)) not in excluded]

    def _from_folder(self, folder: ImageFolder) -> List[Tuple[str, str]]:
        """List ids and suffixes of all images below a folder."""
        if not fileio.isdir(folder.root, backend_args=self.backend_args):
            raise DatasetError(
                f'No folder of unlabeled images: looked in {osp.abspath(folder.root)}. Correct '
                'data_root or data_prefix.img_path of the unlabeled dataset, or link the data '
                'there.'
            )
        found = folder.files()
        if self.mask_suffix is not None:
            return leave_out_masks(found, folder, self.mask_folder or folder.root, self.mask_suffix or None)
        refuse_mask_names(found, folder)
        return found

    def _from_list(self, folder: ImageFolder) -> List[Tuple[str, str]]:
        """List ids and suffixes of the images in ``ann_file``."""
        if len(self.img_suffix) != 1:
            raise DatasetError(
                f'{self.ann_file}: a list of image ids needs exactly one img_suffix, got {self.img_suffix}.'
            )
        ids = match_ids(self.ann_file, folder, root=self.data_root)
        return [(name, (folder.find(name) or '')[len(name) :]) for name in ids]

    def _join_prefix(self) -> None:
        """Join paths as the host does, and find the shipped lists as well."""
        if self.ann_file:
            self.ann_file = locate_list(self.ann_file, self.data_root)
        super()._join_prefix()
