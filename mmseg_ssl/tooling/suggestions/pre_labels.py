"""Recognizes masks that are still what the network predicted, wherever they were copied or exported to."""

import hashlib
from pathlib import Path
from typing import Any, Dict, List, Set

import numpy as np

from ..cli import UserError, read_json
from .new_folder import NOTES

KEY = 'predictions'
"""Of the notes of a folder of suggestions: id of an image -> digest of its pre-label."""


def digest(classes: np.ndarray) -> str:
    """Return a text that only masks with the same size and classes have, whatever file they are in.

    Args:
        classes: ``(H, W)`` uint8.
    """
    return hashlib.sha256(f'{classes.shape}'.encode() + np.ascontiguousarray(classes).tobytes()).hexdigest()


def known_predictions(places: List[Path]) -> Dict[str, Set[str]]:
    """Collect what networks predicted; other tools have notes of this name without any.

    Args:
        places: Folders in which, or in whose folders, the notes of suggestions may lie.

    Returns:
        Id of an image -> digests of its pre-labels.
    """
    known: Dict[str, Set[str]] = {}
    for note in {note.resolve() for place in places for depth in ('', '*/') for note in place.glob(depth + NOTES)}:
        noted = read_notes(note).get(KEY)
        for name, value in noted.items() if isinstance(noted, dict) else ():
            known.setdefault(name, set()).add(str(value))
    return known


def read_notes(note: Path) -> Dict[str, Any]:
    """Read the notes of a folder; those of somebody else, or none, are empty.

    Args:
        note: The file, which need not exist.
    """
    try:
        content = read_json(note)
    except (OSError, UserError):
        return {}
    return content if isinstance(content, dict) else {}
