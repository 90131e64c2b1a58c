"""Masks as the files of a dataset hold them: names, and which value stands for which class."""

from pathlib import Path
from typing import Dict, Tuple

import cv2
import numpy as np

from ...datasets.checks.mask_files import IGNORED, UNREADABLE, meanings, open_mask, unexplained
from ...datasets.pseudo_label_files import label_path
from ...datasets.transforms import find_scribble_loader
from ...errors import DatasetError
from ...structures import IGNORE_INDEX
from ...utils.atomic_files import replace_file
from ..cli import UserError
from .run_data import LabeledSet

FIXES: Dict[str, str] = dict.fromkeys(UNREADABLE, 'Export the mask again, or remove it.')
FIXES['unreadable mask'] = 'Give yourself the right to read it, or remove it.'
FIXES['color mask'] = 'Export it as an index mask: one channel of 8 bits, or a palette.'
"""What to do about a kind of problem whose text does not say it."""


class MaskCoding:
    """Reads and writes masks in the way of a labeled set: its suffix, ``reduce_zero_label`` and ``label_map``.

    Args:
        labeled: The set; it has at least one image.

    Raises:
        UserError: It does not say how a class or an ignored pixel is written, or its masks are JPEG.
    """

    def __init__(self, labeled: LabeledSet) -> None:
        self.dataset = labeled.dataset
        self.suffix: str = self.dataset.seg_map_suffix
        if self.suffix.lower().endswith(('.jpg', '.jpeg')):
            raise UserError(f'masks that end in {self.suffix} would lose their indices. Convert them to PNG.')
        self.classes: Tuple[str, ...] = tuple(self.dataset.metainfo['classes'])
        self.facts = self.dataset.get_data_info(0)
        self.known = meanings(self.dataset, self.facts, len(self.classes))
        wanted = [*range(len(self.classes)), IGNORED]
        missing = [str(value) for value in wanted[:-1] if value not in self.known]
        if missing or IGNORED not in self.known:
            what = f'class {missing[0]}' if missing else 'a pixel that is ignored'
            raise UserError(f'no value of a mask of {type(self.dataset).__name__} stands for {what}.')
        values = [int(np.flatnonzero(self.known == value)[0]) for value in wanted[:-1]]
        ignored = np.flatnonzero(self.known == IGNORED)
        scribbles = find_scribble_loader(self.dataset)
        if scribbles:  # void would be no image to a method of scribbles, but nobody labeled these pixels
            values.append(scribbles.unlabeled_value)
        else:  # of several values, 255 is the one that every tool leaves alone
            values.append(IGNORE_INDEX if IGNORE_INDEX in ignored else int(ignored[-1]))
        self.values = np.array(values, np.uint8)

    def path(self, folder: Path, name: str) -> Path:
        """Return the file of an image's mask.

        Raises:
            DatasetError: The id leads out of the folder.
        """
        label_path(folder, 'masks', name)
        return folder / f'{name}{self.suffix}'

    def write(self, path: Path, classes: np.ndarray) -> None:
        """Write a mask in one step.

        Args:
            path: The file.
            classes: ``(H, W)`` indices of classes; what is none is ignored, or unlabeled among scribbles.
        """
        values = self.values[np.minimum(classes, len(self.classes))]
        replace_file(path, cv2.imencode(f'.{self.suffix.rpartition(".")[2]}', values)[1].tobytes())

    def read(self, path: Path) -> np.ndarray:
        """Read the classes of a mask ``(H, W)``, 255 where it is ignored; the file is opened once.

        Raises:
            DatasetError: It is no mask of these classes; names the file and the fix.
        """
        facts, values = open_mask(self.dataset, dict(self.facts, seg_map_path=str(path)))
        if facts.problem or not facts.size:
            fix = FIXES.get(facts.kind, '')
            raise DatasetError(f'{path}: {facts.problem} {fix}'.rstrip())
        odd = unexplained(facts, self.known)
        if len(odd):
            raise DatasetError(
                f'{path}: {facts.counts[odd[0]]} pixels have the value {facts.values[odd[0]]}, which stands for no '
                f'class. The values of the {len(self.classes)} classes are {", ".join(map(str, self.values[:-1]))}; '
                f'{self.values[-1]} is none. Give these pixels one of them.'
            )
        labels = self.known[values.astype(np.int64)]
        return np.where(labels < 0, IGNORE_INDEX, labels).astype(np.uint8)
