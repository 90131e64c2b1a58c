"""Finds and reads lists of labeled images, which are text files, from any working directory."""

from pathlib import Path
from typing import List, Optional

from ..errors import DatasetError
from ..utils.project_files import CONFIGS
from .id_lists import read_lines

SHIPPED = CONFIGS / 'splits'


def find_split(name: str) -> str:
    """Resolve the name of a list of image ids to an absolute path, whatever the working directory.

    A path that exists (absolute, or relative to the working directory) is taken as it is; otherwise the name is looked
    up among the shipped lists. So a config with ``'camvid/1-16_draw0.txt'`` works from anywhere, and a project that
    only imports ``mmseg_ssl`` gives the path of its own list.

    Args:
        name: ``'camvid/1-16_draw0.txt'``, ``'configs/splits/camvid/1-16_draw0.txt'``, or the path of another list.

    Returns:
        The absolute path of an existing file.

    Raises:
        DatasetError: There is no such file; says where it was looked for.
    """
    short = name[len('configs/splits/') :] if name.startswith('configs/splits/') else name
    candidates = [Path(name), SHIPPED / short]
    for path in candidates:
        if path.is_file():
            return str(path.resolve())
    looked = '\n  '.join(str(path.absolute()) for path in candidates)
    raise DatasetError(
        f'No list of images named {name!r}. Looked for\n  {looked}\n'
        'Give the path of a text file with one image id per line, or one of configs/splits/README.md.'
    )


def locate_list(name: str, data_root: Optional[str]) -> str:
    """Resolve the list in a dataset's config: first below the data root, as in the host.

    Args:
        name: Path below ``data_root``, or any name that :func:`find_split` takes.
        data_root: Root of the dataset, or ``None``.

    Returns:
        The absolute path of an existing file.

    Raises:
        DatasetError: No such file.
    """
    below_root = Path(data_root or '') / name
    return str(below_root.resolve()) if below_root.is_file() else find_split(name)


def read_ids(path: str) -> List[str]:
    """Read a list: one image id per line; blank lines and comments (``#``) are skipped.

    Args:
        path: A text file.

    Returns:
        Ids in the file's order; an id is the image's path below the image folder, without suffix.

    Raises:
        DatasetError: The list is not text, is empty, or has an id twice.
    """
    return [line.text for line in read_lines(path)]


def list_name(path: str) -> str:
    """Return a short name of a list: relative to the shipped lists or the working directory, else the path itself.

    Args:
        path: Path of the list.
    """
    resolved = Path(path).resolve()
    tops = (top for top in (SHIPPED, Path.cwd()) if top in resolved.parents)
    return next((resolved.relative_to(top).as_posix() for top in tops), path)
