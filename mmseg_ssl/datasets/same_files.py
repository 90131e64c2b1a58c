"""Finds equal files: by path, or by content where names or sizes are equal."""

import hashlib
import os.path as osp
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, Iterable, List, Optional, Set, Tuple

HEAD = 1 << 16
"""Bytes that tell most files of one size apart (uncompressed images are all of one size)."""


class SameFiles:
    """A set of files; a file is in it by its path, or by its name and content.

    Args:
        paths: The files; those that are not on this machine are compared only by path.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths: Set[str] = set()
        self._named: Dict[str, List[str]] = defaultdict(list)
        for path in map(osp.abspath, paths):
            self._paths.add(path)
            self._named[osp.basename(path)].append(path)

    def __contains__(self, path: str) -> bool:
        """Check if a file is one of them."""
        path = osp.abspath(path)
        return path in self._paths or any(_same_content(path, other) for other in self._named[osp.basename(path)])


def find_copies(files: Iterable[str], among: Iterable[str]) -> Dict[str, str]:
    """Find files whose path or content equals that of others.

    Sizes are compared first, then beginnings, then whole files, in several threads, so most files are never opened.

    Args:
        files: Paths.
        among: Paths to compare with. Files that are not on this machine are compared only by path.

    Returns:
        File -> the equal one.
    """
    wanted = {path: osp.abspath(path) for path in files}
    known = {osp.abspath(path): path for path in among}
    copies = {path: known[whole] for path, whole in wanted.items() if whole in known}
    rest, others = [path for path in wanted if path not in copies], list(known.values())
    steps: Tuple[Callable[[str], object], ...] = (_size, _head, _digest)
    with ThreadPoolExecutor() as pool:
        for step in steps:
            keys = dict(zip(rest, pool.map(step, rest)))
            other_keys = dict(zip(others, pool.map(step, others)))
            common = set(keys.values()) & set(other_keys.values()) - {None}
            rest = [path for path in rest if keys[path] in common]
            others = [path for path in others if other_keys[path] in common]
    named = {other_keys[path]: path for path in others}
    copies.update({path: named[keys[path]] for path in rest})
    return copies


def _same_content(path: str, other: str) -> bool:
    """Check if two files hold the same bytes."""
    size = _size(path)
    return size is not None and size == _size(other) and _digest(path) == _digest(other)


def _size(path: str) -> Optional[int]:
    return osp.getsize(path) or None if osp.isfile(path) else None  # empty files are broken, not equal


def _head(path: str) -> bytes:
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read(HEAD)).digest()


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for chunk in iter(lambda: file.read(1 << 20), b''):
            digest.update(chunk)
    return digest.digest()
