"""Finds images of a folder by id; copes with suffixes in any case, circular links and masks beside the images."""

import os
import os.path as osp
from collections import Counter
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from mmengine import fileio
from mmengine.fileio import LocalBackend

from ..errors import DatasetError

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
"""Suffixes of images of any kind."""
# Usual names of masks that lie beside their images: a_mask.png is the mask of a.png.
MASK_ENDINGS = tuple(
    f'{mark}{word}'
    for mark in '_-.'
    for word in ('mask', 'masks', 'gt', 'label', 'labels', 'seg', 'annotation', 'labeltrainids', 'labelids')
)


class ImageFolder:
    """Files in a folder and its subfolders with one of some suffixes; an id is a path below it without the suffix.

    Suffixes match in any case (``.JPG`` for ``.jpg``); where an id has both, the one as configured counts. Hidden files
    and folders (``._a.jpg`` of macOS) are skipped. A folder that contains itself through a link is read once.

    Args:
        root: The folder.
        suffixes: Suffixes behind an id; the longest that matches is taken.
        backend_args: File backend, as everywhere in the host. Only local files are looked up one by one.
    """

    def __init__(self, root: str, suffixes: Sequence[str], backend_args: Optional[dict] = None) -> None:
        self.root, self.suffixes, self.backend_args = root or '.', tuple(suffixes), backend_args
        self.is_local = isinstance(fileio.get_file_backend(self.root, backend_args=backend_args), LocalBackend)
        self._names: Dict[str, Dict[str, str]] = {}

    def split(self, name: str) -> Optional[Tuple[str, str]]:
        """Split a name into id and suffix; None if it has none of the suffixes.

        With suffixes ``.png`` and ``_rgb.png``, ``a_rgb.png`` is image ``a``.
        """
        fitting = [suffix for suffix in self.suffixes if name.lower().endswith(suffix.lower())]
        length = max(map(len, fitting), default=0)
        return (name[: len(name) - length], name[len(name) - length :]) if fitting else None

    def files(self) -> List[Tuple[str, str]]:
        """List id and suffix of every image, sorted by name.

        Raises:
            DatasetError: A folder cannot be read; it would seem to be empty.
        """
        found = self._all()
        exact = {name for name, suffix in found if suffix in self.suffixes}
        return sorted(part for part in found if part[1] in self.suffixes or part[0] not in exact)

    def twins(self) -> List[List[str]]:
        """List the files that have one id, such as ``a.png`` and ``a.PNG``."""
        by_id: Dict[str, List[str]] = {}
        for name, suffix in self._all():
            by_id.setdefault(name, []).append(name + suffix)
        return [sorted(files) for _, files in sorted(by_id.items()) if len(files) > 1]

    def _all(self) -> List[Tuple[str, str]]:
        return [parts for parts in map(self.split, self._walk()) if parts]

    def find(self, image_id: str) -> Optional[str]:
        """Return the image's name below the folder, or None; on a remote backend the name that it should have."""
        if not self.is_local:
            return image_id + self.suffixes[0]
        for suffix in self.suffixes:
            if osp.isfile(osp.join(self.root, image_id + suffix)):
                return image_id + suffix
        parent = osp.dirname(image_id)
        if parent not in self._names:
            folder = osp.join(self.root, parent)
            there = os.listdir(folder) if osp.isdir(folder) else []
            self._names[parent] = {self._any_case(osp.join(parent, name)): name for name in there}
        keys = (self._any_case(image_id + suffix) for suffix in self.suffixes)
        name = next((self._names[parent][key] for key in keys if key in self._names[parent]), None)
        return None if name is None else osp.join(parent, name)

    def nothing_found(self) -> str:
        """Return the message for a folder without images: what it holds instead, and the fix."""
        held = Counter(osp.splitext(name)[1] or 'no suffix' for name in self._walk())
        counts = ', '.join(f'{count} with {suffix}' for suffix, count in held.most_common(5)) or 'no file at all'
        return (
            f'{osp.abspath(self.root)} holds no image that ends in {" or ".join(self.suffixes)}; it holds {counts}. '
            'Correct img_suffix, or data_prefix.img_path.'
        )

    def _any_case(self, name: str) -> str:
        """Return a key that is equal for names that differ only in the case of their suffix."""
        image_id, suffix = self.split(name) or (name, '')
        return f'{image_id}\0{suffix.lower()}'

    def _walk(self) -> Iterator[str]:
        """Yield the paths of all files below the folder, relative to it."""
        if not self.is_local:
            args = dict(list_dir=False, recursive=True, backend_args=self.backend_args)
            yield from fileio.list_dir_or_file(self.root, **args)
            return
        # folder to visit -> real paths of the folders that it lies in: a link to one of them closes a circle
        above: Dict[str, Set[str]] = {self.root: set()}
        for folder, folders, files in os.walk(self.root, followlinks=True, onerror=_refuse):
            own = above.pop(folder) | {osp.realpath(folder)}
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith('.')
                and not (osp.islink(osp.join(folder, name)) and osp.realpath(osp.join(folder, name)) in own)
            )
            above.update({osp.join(folder, name): own for name in folders})
            inner = osp.relpath(folder, self.root)
            for name in files:
                if not name.startswith('.'):
                    yield name if inner == '.' else osp.join(inner, name)


def _refuse(error: OSError) -> None:
    """Raise an error for a folder that is there and cannot be listed."""
    if isinstance(error, FileNotFoundError):  # what should be there is looked for by others
        return
    raise DatasetError(
        f'{error.filename} cannot be read ({error.strerror}), so its images would be missing without a word. Give '
        'yourself the right to read it, or move it elsewhere.'
    ) from error


def leave_out_masks(
    found: Sequence[Tuple[str, str]], folder: ImageFolder, mask_folder: Optional[str], mask_suffix: Optional[str]
) -> List[Tuple[str, str]]:
    """Leave out the masks among the files of an image folder: masks may lie beside the images or in a subfolder.

    Args:
        found: Ids and suffixes, from :meth:`ImageFolder.files`.
        folder: The folder of the images.
        mask_folder: Folder of the masks, if known.
        mask_suffix: Suffix behind an image's id in the name of its mask.

    Raises:
        DatasetError: Images and masks have the same names.
    """
    if mask_folder is None or mask_suffix is None or not folder.is_local:
        return list(found)
    inner = osp.relpath(osp.abspath(mask_folder), osp.abspath(folder.root))
    if inner.startswith('..'):
        return list(found)
    if found and inner == '.' and mask_suffix.lower() in {suffix.lower() for suffix in folder.suffixes}:
        raise DatasetError(
            f'Both images and masks are {folder.root}/*{mask_suffix}, so an image would be its own mask. Correct '
            'data_prefix or the suffixes.'
        )
    ids, ending = {name for name, _ in found}, mask_suffix.lower()

    def is_mask(name: str) -> bool:
        if not name.lower().endswith(ending):
            return False
        return name.startswith(f'{inner}{os.sep}') if inner != '.' else name[: -len(ending)] in ids

    return [(name, suffix) for name, suffix in found if not is_mask(name + suffix)]


def refuse_mask_names(found: Iterable[Tuple[str, str]], folder: ImageFolder) -> None:
    """Raise an error if a folder of images seems to hold masks as well, which would be used as images.

    Raises:
        DatasetError: Two files have one id (``a.jpg``, ``a.png``), or one is named like the mask of another.
    """
    names: Dict[str, str] = {}
    for name, suffix in found:
        if name in names:
            raise DatasetError(
                f'In {folder.root}, two images have the id {name}: {names[name]} and {name + suffix}. Rename or move '
                'one; or, if it is a mask, give only the suffix of the images (img_suffix; --suffix of a tool).'
            )
        names[name] = name + suffix
    masks = [n for n in names if any(n.lower().endswith(end) and n[: -len(end)] in names for end in MASK_ENDINGS)]
    if masks:
        raise DatasetError(
            f'{folder.root} seems to hold masks beside the images: {names[masks[0]]} ({len(masks)} of {len(names)} '
            'files). Put the masks into another folder, or say how they end with mask_suffix (of the unlabeled data); '
            "mask_suffix='' if they are images all the same."
        )
