"""Reads lists of images as people have them (encodings, suffixes, paths, pairs), or names the line that is wrong."""

import codecs
import difflib
import os.path as osp
import posixpath
import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

from ..errors import DatasetError
from .image_folder import ImageFolder

FORM = 'Write one image id per line (the path below the image folder, without suffix).'
BYTE_ORDER_MARKS = (  # the longer ones first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, 'utf-32'),
    (codecs.BOM_UTF32_BE, 'utf-32'),
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
    (codecs.BOM_UTF8, 'utf-8-sig'),
)
MAX_PROBLEMS = 5


class Line(NamedTuple):
    """A line of a list that is neither blank nor a comment."""

    number: int  # from 1
    text: str  # stripped


def read_lines(path: str) -> List[Line]:
    """Read a list; blank lines and lines that begin with ``#`` are skipped.

    Reads UTF-8 with or without byte order mark and UTF-16, with line ends of any system.

    Raises:
        DatasetError: The list is not text, is empty, or has a line twice.
    """
    texts = [text.strip() for text in re.split(r'\r\n|\n|\r', _decode(path))]
    lines = [Line(number, text) for number, text in enumerate(texts, start=1) if text and text[0] != '#']
    if not lines:
        raise DatasetError(f'{path}: the list is empty. {FORM}')
    _refuse_repeated(path, lines, [line.text for line in lines])
    return lines


def match_ids(path: str, images: ImageFolder, masks: Optional[ImageFolder] = None, root: str = '') -> List[str]:
    """Read a list and find its images.

    Where the image is unambiguous, a line may also hold a name with suffix, backslashes, an absolute path, a path below
    ``root`` or, as in lists of VOC, an image and its mask.

    Args:
        path: The list.
        images: Folder of the images.
        masks: Folder of their masks, to check that a pair belongs together.
        root: Folder that paths may be relative to, beside the image folder.

    Returns:
        Ids in the list's order.

    Raises:
        DatasetError: Names the first lines without an image, and the nearest image; or an image that is listed twice.
    """
    lines = read_lines(path)
    ids, problems = [], []
    for line in lines:
        image_id = _match(line.text, images, masks, root)
        if image_id is None:
            problems.append(line)
        ids.append(image_id or line.text)
    if problems:
        raise DatasetError(_describe(path, problems, len(lines), images))
    _refuse_repeated(path, lines, ids)
    return ids


def clean_id(text: str, images: ImageFolder) -> str:
    """Remove backslashes, ``./`` and the suffix from a name; the image need not exist."""
    name = posixpath.normpath(text.replace('\\', '/'))
    parts = images.split(name)
    return parts[0] if parts else name


def _match(text: str, images: ImageFolder, masks: Optional[ImageFolder], root: str) -> Optional[str]:
    """Return the id that a line means, or None."""
    if not images.is_local:
        return clean_id(text, images)
    found = _find(text, images, root)
    parts = re.split(r'[\s,;]+', text)
    if found is not None or len(parts) != 2:
        return found
    found = _find(parts[0], images, root)
    if masks is not None:
        return found if found is not None and found == _find(parts[1], masks, root) else None
    paired = found is not None and posixpath.basename(parts[1]).startswith(posixpath.basename(found))
    return found if paired else None


def _find(text: str, images: ImageFolder, root: str) -> Optional[str]:
    """Return the id of a name, or None if there is no such file."""
    for name in _readings(text.replace('\\', '/'), images, root):
        for image_id in (name, clean_id(name, images)):
            if images.find(image_id):
                return image_id
    return None


def _readings(name: str, images: ImageFolder, root: str) -> Iterator[str]:
    """Yield the readings of a name as a path below the image folder: as it is, absolute, or relative to ``root``."""
    inside = posixpath.normpath(name)
    if not inside.startswith(('/', '..')) and not osp.isabs(name):
        yield inside
    folder = osp.abspath(images.root)
    for path in (osp.abspath(name) if osp.isabs(name) else '', osp.abspath(osp.join(root, name.lstrip('/')))):
        for whole, top in ((path, folder), (osp.realpath(path), osp.realpath(folder))):
            if path and whole.startswith(top + osp.sep):
                yield osp.relpath(whole, top)


def _describe(path: str, problems: List[Line], total: int, images: ImageFolder) -> str:
    """Describe the lines that name no image."""
    known = [name + suffix for name, suffix in images.files()]
    said = []
    for number, text in problems[:MAX_PROBLEMS]:
        wanted = clean_id(text.split()[0], images) + images.suffixes[0]
        base = posixpath.basename(wanted)
        near = [name for name in known if posixpath.basename(name) == base][:1]
        near = near or difflib.get_close_matches(wanted, known[:5000], n=1, cutoff=0)
        nearest = f'; the nearest image is {near[0]}' if near else ''
        said.append(f'{path}, line {number}: {text!r} names no image of {osp.abspath(images.root)}{nearest}.')
    more = f'\n  and {len(problems) - MAX_PROBLEMS} more' if len(problems) > MAX_PROBLEMS else ''
    if not known:
        said = [images.nothing_found(), *said]
    return (
        f'{len(problems)} of {total} line(s) of a list name no image:\n  ' + '\n  '.join(said) + more + f'\n{FORM} '
        'Correct the list, or data_prefix.img_path and img_suffix.'
    )


def _refuse_repeated(path: str, lines: List[Line], ids: List[str]) -> None:
    """Raise an error if two lines name the same image, which would count twice."""
    first: Dict[str, int] = {}
    for line, image_id in zip(lines, ids):
        if image_id in first:
            raise DatasetError(
                f'{path}, line {line.number}: {line.text!r} is already in line {first[image_id]}. '
                'An image counts once: remove the line.'
            )
        first[image_id] = line.number


def _decode(path: str) -> str:
    """Return the text of a list in any of the known encodings."""
    content = Path(path).read_bytes()
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), None)
    if encoding is None and b'\0' in content:  # UTF-16 without a mark: zeros are the high bytes of plain letters
        encoding = 'utf-16-le' if content[1::2].count(0) > content[::2].count(0) else 'utf-16-be'
    try:
        return content.decode(encoding or 'utf-8')
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b'\n') + 1
        raise DatasetError(
            f'{path}, line {number}: not text in UTF-8 ({error.reason}). Save the list as plain text in UTF-8.'
        ) from error
