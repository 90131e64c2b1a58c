"""The folder of predictions: what is written for an image, what is done already, and the summary."""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Sequence, Set

import cv2
import numpy as np

from ..apis import Segmentation
from ..utils.atomic_files import replace_file
from ..utils.file_digest import file_marks
from ..utils.json_lines import read_json_lines
from .cli import UserError, read_json
from .prediction_inputs import Item

KINDS = ('masks', 'overlays', 'uncertainty', 'maps')
"""What can be written of an image; masks always are."""


class PredictionFolder:
    """Writes predictions; after an interruption, the same command goes on behind the last complete image.

    ``masks/<name>.png`` holds class indices, ``uncertainty/<name>.png`` the entropy (0 is sure, 255 is uniform),
    ``overlays/<name>.jpg`` the classes over the image, ``<map>/<name>.npy`` the network's own maps in fp32.
    ``images.jsonl`` has a line for each image, with the shares of the classes; ``summary.json`` those of all.

    Args:
        folder: The folder.
        settings: What the predictions depend on; kept in ``settings.json``.
        kinds: Which of ``KINDS`` to write.

    Raises:
        UserError: The folder holds predictions that were made with other settings.
    """

    def __init__(self, folder: Path, settings: Dict[str, Any], kinds: Sequence[str]) -> None:
        self.folder, self.kinds = folder, {'masks', *kinds}
        self._replaced: Dict[str, Set[str]] = {}
        self.records, note = folder / 'images.jsonl', folder / 'settings.json'
        before = read_json(note) if note.is_file() else settings
        changed = [key for key in settings if before.get(key) != settings[key]]
        if changed:
            raise UserError(f'{folder} holds predictions made with another {", ".join(changed)}. Give another folder.')
        replace_file(note, json.dumps(settings, indent=1).encode())
        lines = ''.join(f'{json.dumps(line)}\n' for line in read_json_lines(self.records))
        replace_file(self.records, lines.encode())  # without a line that a killed process began

    def done(self, items: Sequence[Item]) -> Set[str]:
        """Return the names of the images that are complete, with everything that is to be written of them.

        An image whose file was replaced since is not; lines of earlier versions, which do not say the file, count.

        Args:
            items: The images that are to be predicted.

        Raises:
            UserError: The folder holds the prediction of another image by the name of one of them.
        """
        lines = {line['name']: line for line in read_json_lines(self.records)}
        for item in items:
            before = lines.get(item.name, dict(image=item.path))['image']
            if os.path.abspath(before) != os.path.abspath(item.path):
                raise UserError(
                    f'{self.folder} holds the prediction of {before} as {item.name}, which {item.path} would be, too. '
                    'Give another folder.'
                )
        known = {item.name: str(item.path) for item in items if 'file' in lines.get(item.name, ())}
        marks = file_marks(known.values())
        for name, path in known.items():
            if marks[path] != lines[name]['file']:
                self._replaced[name] = set(lines.pop(name)['saved'])
        whole = (name for name, line in lines.items() if self.kinds <= set(line.get('saved', ())))
        return {name for name in whole if self._path('masks', name).is_file()}

    def write(self, item: Item, pixels: np.ndarray, found: Segmentation) -> None:
        """Write the prediction of an image; its line comes last.

        If its file was replaced, everything that was written of the old one is written again.

        Args:
            item: The image.
            pixels: Its pixels, ``(H, W, channels)``.
            found: Its prediction.
        """
        kinds = self.kinds | self._replaced.get(item.name, set())
        if 'maps' in kinds:
            for kind, values in found.maps.items():
                path = self._path(kind, item.name).with_suffix('.npy')
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, values)
        if 'overlays' in kinds:
            painted = cv2.imencode('.jpg', found.overlay(as_picture(pixels)))[1]
            replace_file(self._path('overlays', item.name, '.jpg'), painted.tobytes())
        maps = dict(uncertainty=(255 * found.uncertainty).round().astype(np.uint8), masks=found.mask)
        for kind, gray in maps.items():
            if kind in kinds:
                replace_file(self._path(kind, item.name), cv2.imencode('.png', gray)[1].tobytes())
        shares = {name: round(share, 6) for name, share in found.shares().items()}
        place = dict(image=str(item.path), **({} if item.frame is None else dict(frame=item.frame)))
        height, width = found.mask.shape
        place.update(file=file_marks([item.path])[str(item.path)])
        line = dict(place, name=item.name, height=height, width=width, shares=shares)
        line.update(mean_uncertainty=round(float(found.uncertainty.mean()), 6), saved=sorted(kinds))
        with open(self.records, 'a', encoding='utf-8') as file:
            file.write(f'{json.dumps(line)}\n')

    def summarize(self, failed: Dict[str, str]) -> Dict[str, Any]:
        """Write ``summary.json``.

        Args:
            failed: Images that could not be read, each with the reason.

        Returns:
            Its content: number of images, shares of the classes over all pixels, and the images that failed.
        """
        lines = list({line['name']: line for line in read_json_lines(self.records)}.values())
        pixels = [line['height'] * line['width'] for line in lines]
        total: Dict[str, float] = {}
        for line, count in zip(lines, pixels):
            for name, share in line['shares'].items():
                total[name] = total.get(name, 0.0) + share * count / sum(pixels)
        shares = {name: round(share, 6) for name, share in total.items()}
        summary = dict(images=len(lines), shares=shares, failed=failed)
        replace_file(self.folder / 'summary.json', json.dumps(summary, indent=1).encode())
        return summary

    def _path(self, kind: str, name: str, suffix: str = '.png') -> Path:
        return Path(self.folder, kind, f'{name}{suffix}')


def check_folder(folder: Path, given: Sequence[str]) -> None:
    """Make sure that predictions are not taken for images by the next run.

    Args:
        folder: Folder for the predictions.
        given: Folders of images, patterns and files.

    Raises:
        UserError: It lies in a folder of images.
    """
    inside: List[str] = [word for word in given if Path(word).is_dir() and Path(word).resolve() in _above(folder)]
    if inside:
        raise UserError(
            f'--out {folder} is or lies in the folder of images {inside[0]}, so the next run would predict the '
            'predictions. Give a folder outside.'
        )


def as_picture(pixels: np.ndarray) -> np.ndarray:
    """Return an image of any kind as three channels of 8 bits, to paint over.

    Args:
        pixels: ``(H, W)`` or ``(H, W, channels)`` of any type; of more than three channels the first three are shown.
    """
    values = pixels if pixels.ndim == 3 else pixels[..., None]
    if values.dtype != np.uint8:
        values = (255.0 * values / max(float(values.max()), 1e-6)).clip(0, 255).astype(np.uint8)
    return values[..., :3] if values.shape[2] >= 3 else values[..., :1].repeat(3, axis=2)


def _above(folder: Path) -> Set[Path]:
    return {folder.resolve(), *folder.resolve().parents}
