"""Digest of a file's content."""

import hashlib
from pathlib import Path
from typing import Union


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
