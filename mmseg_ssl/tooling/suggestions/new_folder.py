"""A folder that is complete once it has its name; what an interrupted command saw stays beside it for the next one."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, Sequence

import numpy as np

from ...utils.atomic_files import replace_file
from ..cli import UserError, read_json

NOTES = 'settings.json'


class NewFolder:
    """Collects files in ``<folder>.partial``, which becomes ``<folder>`` at the end.

    Nothing is written before :meth:`begin`, so a command that fails in its checks leaves no folder.

    Args:
        folder: The folder, which must not exist.
        settings: What the results for single images depend on.

    Raises:
        UserError: The folder exists, or the partial one was begun with other settings.
    """

    def __init__(self, folder: Path, settings: Dict[str, Any]) -> None:
        if folder.exists():
            raise UserError(f'{folder} exists, and is never overwritten. Give another --out.')
        self.folder, self.place = folder, folder.with_name(f'{folder.name}.partial')
        self.settings = settings
        self.seen = self.place / 'seen'
        note = self.place / NOTES
        before = read_json(note) if note.is_file() else None
        changed = [key for key in settings if before is not None and before.get(key) != settings[key]]
        if changed or (before is None and self.place.exists()):
            what = f'was begun with another {", ".join(changed)}' if changed else 'is none of this tool'
            raise UserError(f'{self.place} {what}. Remove it, or give another --out.')

    def begin(self) -> None:
        """Make the partial folder; of what an interrupted command wrote there, only what it saw stays."""
        for left in self.place.glob('*'):
            if left.is_dir() and left != self.seen:
                shutil.rmtree(left)
            elif left.is_file() and left.name != NOTES:
                left.unlink()
        self.note()

    def discard(self) -> None:
        """Remove the partial folder, of which a later command could use nothing."""
        shutil.rmtree(self.place, ignore_errors=True)

    def note(self, **results: Any) -> None:
        """Write the settings, and results that a later command asks for."""
        replace_file(self.place / NOTES, json.dumps(dict(self.settings, **results), indent=1).encode())

    def once(self, name: str, make: Callable[[], Dict[str, np.ndarray]]) -> Dict[str, np.ndarray]:
        """Return the arrays of an image, which are made only if an earlier command did not.

        Args:
            name: Its name, a path below the folder of images.
            make: Makes them.
        """
        path = self.seen / f'{name}.npz'
        if not path.is_file():
            content = io.BytesIO()
            np.savez_compressed(content, **make())
            replace_file(path, content.getvalue())
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)

    def write_lines(self, name: str, lines: Sequence[str]) -> None:
        """Write a text file, a line for each text."""
        replace_file(self.place / name, ''.join(f'{line}\n' for line in lines).encode())

    def finish(self) -> None:
        """Give the folder its name."""
        shutil.rmtree(self.seen, ignore_errors=True)
        os.replace(self.place, self.folder)
