"""Lists of images as people have them: other encodings, suffixes, paths, pairs; read right, or refused by line."""

import codecs
import difflib
import os.path as osp
import posixpath
import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

from ..errors import DatasetError
from .image_folder import ImageFolder

FORM = 'Write one image id a line (the path below the image folder, without suffix).'
BYTE_ORDER_MARKS = (  # the longer ones first: that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF32_LE, 'utf-32'),
    (codecs.BOM_UTF32_BE, 'utf-32'),
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
    (codecs.BOM_UTF8, 'utf-8-sig'),
)
MAX_PROBLEMS = 5


class Line(NamedTuple):
    """A line of a list that names something."""

    number: int  # from 1
    text: str  # without blanks around it


def read_lines(path: str) -> List[Line]:
    """Read a list; blank lines and lines that begin with ``#`` are skipped.

    UTF-8 with or without byte order mark and UTF-16 are read, with line ends of any system.

    Raises:
        DatasetError: The list is not text, names nothing, or names something twice.
    """
    texts = [text.strip() for text in re.split(r'\r\n|\n|\r', _decode(path))]
    lines = [Line(number, text) for number, text in enumerate(texts, start=1) if text and text[0] != '#']
    if not lines:
        raise DatasetError(f'{path}: the list is empty. {FORM}')
    _refuse_repeated(path, lines, [line.text for line in lines])
    return lines


def match_ids(path: str, images: ImageFolder, masks: Optional[ImageFolder] = None, root: str = '') -> List[str]:
    """Read a list and find its images.

    Where it is clear which image is meant, a line may also hold a name with suffix, backslashes, an absolute path or
    one below ``root``, or, as in lists of VOC, an image and its mask.

    Args:
        path: The list.
        images: Where the images are.
        masks: Where their masks are, to see that a pair belongs together.
        root: What paths may be relative to, beside the image folder.

    Returns:
        Ids in the list's order.

    Raises:
        DatasetError: Names the first lines that no image is found for, and the nearest image; or an image named twice.
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
    """An id without backslashes, ``./`` and suffix, whether there is such an image or not."""
    name = posixpath.normpath(text.replace('\\', '/'))
    parts = images.split(name)
    return parts[0] if parts else name


def _match(text: str, images: ImageFolder, masks: Optional[ImageFolder], root: str) -> Optional[str]:
    """The id that a line means, or None."""
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
    """The id of a name, if there is such a file."""
    for name in _readings(text.replace('\\', '/'), images, root):
        for image_id in (name, clean_id(name, images)):
            if images.find(image_id):
                return image_id
    return None


def _readings(name: str, images: ImageFolder, root: str) -> Iterator[str]:
    """What a name may be below the image folder: itself, or a path from elsewhere that leads there."""
    inside = posixpath.normpath(name)
    if not inside.startswith(('/', '..')) and not osp.isabs(name):
        yield inside
    folder = osp.abspath(images.root)
    for path in (osp.abspath(name) if osp.isabs(name) else '', osp.abspath(osp.join(root, name.lstrip('/')))):
        for whole, top in ((path, folder), (osp.realpath(path), osp.realpath(folder))):
            if path and whole.startswith(top + osp.sep):
                yield osp.relpath(whole, top)


def _describe(path: str, problems: List[Line], total: int, images: ImageFolder) -> str:
    """What is wrong with the lines that no image was found for."""
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
    """Stop where two lines name the same: the image would count twice."""
    first: Dict[str, int] = {}
    for line, image_id in zip(lines, ids):
        if image_id in first:
            raise DatasetError(
                f'{path}, line {line.number}: {line.text!r} is in line {first[image_id]} already. '
                'An image counts once: remove the line.'
            )
        first[image_id] = line.number


def _decode(path: str) -> str:
    """The text of a list, whatever its encoding."""
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
