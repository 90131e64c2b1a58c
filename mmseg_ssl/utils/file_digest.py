"""Digests of a file's content."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterable, Union

PART = 1 << 15
"""Bytes of the beginning, and of the middle, by which :func:`file_marks` tells files of one size apart."""


def sha256_of(path: Union[str, Path]) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Args:
        path: The file.
    """
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for chunk in iter(lambda: file.read(2**20), b''):
            digest.update(chunk)
    return digest.hexdigest()


def file_marks(paths: Iterable[Union[str, Path]]) -> Dict[str, str]:
    """Return for each file what tells it from another one of its name; hardly more of it is read than its header.

    That is its size with a digest of its beginning, where a changed orientation is, and of its middle: uncompressed
    images are all of one size. Times do not count, since a copy of the data is the same data.

    Args:
        paths: The files.

    Returns:
        Path -> mark; empty for what is no file on this machine, or cannot be read.
    """
    wanted = list(dict.fromkeys(map(str, paths)))
    with ThreadPoolExecutor() as pool:  # a network drive answers many questions at once
        return dict(zip(wanted, pool.map(_mark, wanted)))


def _mark(path: str) -> str:
    try:
        with open(path, 'rb') as file:
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256()
            for place in (0, max(PART, (size - PART) // 2)):
                file.seek(place)
                digest.update(file.read(PART))
    except OSError:
        return ''
    return f'{size}-{digest.hexdigest()[:16]}'
