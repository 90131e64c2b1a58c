"""Converts masks of colors, or of 0 and 255, into new masks of class indices; the old files are not changed."""

import logging
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple, Union

import numpy as np
from mmengine import fileio
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from PIL import Image

from ...errors import DatasetError
from ...structures import IGNORE_INDEX
from .check import build_sets
from .look import leaves
from .mask_files import UNKNOWN, MaskFacts, decode_mask, meanings, read_mask

Value = Union[int, Tuple[int, int, int]]


def fix_masks(cfg: dict, folder: str, mapping: Optional[Dict[Value, int]] = None) -> List[str]:
    """Write new masks for the labeled, validation and test images, as 8-bit PNG of class indices.

    Colors become classes by the palette of the dataset; with two classes, masks of 0 and 255 become 0 and 1; for
    anything else there is ``mapping``.

    Args:
        cfg: A whole config.
        folder: New folder for the masks, with one folder per set.
        mapping: Value or color (red, green, blue) in the old masks -> value in the new ones. Valid values that it does
            not name stay; of a value that no mask has, a warning is logged.

    Returns:
        Settings that make the config use the new masks, ``key=value``.

    Raises:
        DatasetError: The folder exists, or a mask cannot be translated; names the file and the values. In this case
            nothing is written.
    """
    out, settings, mapping, found = Path(folder).resolve(), [], mapping or {}, set()
    if out.exists():
        raise DatasetError(f'{out} exists. --fix only writes into a new folder, so that no mask is lost: name another.')
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{out.name}-', dir=out.parent))
    try:
        for role, key, dataset in build_sets(cfg, 'headers'):
            for place, leaf in leaves(key, dataset) if role != 'unlabeled' else ():
                infos = [leaf.get_data_info(index) for index in range(len(leaf))]
                infos = [info for info in infos if info.get('seg_map_path')]
                if infos:
                    name = place.replace('_dataloader.dataset', '').replace('.', '_')
                    found |= _Translator(leaf, infos, mapping).write(infos, partial / name)
                    settings += _settings(place, leaf, out / name)
        partial.chmod(0o755)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    unused = [old for old in mapping if old not in found]
    if unused:
        print_log(f'--map: no mask has {", ".join(map(str, unused))}.', logger='current', level=logging.WARNING)
    if (cfg.get('test_dataloader') or {}).get('dataset') == (cfg.get('val_dataloader') or {}).get('dataset', ''):
        settings += [line.replace('val_', 'test_', 1) for line in settings if line.startswith('val_')]
    return settings


class _Translator:
    """Translates the masks of one set into values that the config's loader reads as classes."""

    def __init__(self, dataset: BaseDataset, infos: List[dict], mapping: Dict[Value, int]) -> None:
        classes = dataset.metainfo['classes']
        self.dataset, self.mapping = dataset, mapping
        self.known = meanings(dataset, infos[0], len(classes))
        with ThreadPoolExecutor() as pool:
            masks = list(pool.map(lambda info: read_mask(dataset, info), infos))
        for mask in masks:
            if mask.problem and mask.kind != 'color mask':
                raise DatasetError(f'{mask.path}: {mask.problem}')
        self.values: Dict[Value, int] = {value: value for value in range(256) if self.known[value] != UNKNOWN}
        if len(classes) == 2 and _black_and_white(masks):
            self.values.update({0: self._value_of(0), 255: self._value_of(1)})
        self.values.update({old: new for old, new in mapping.items() if isinstance(old, int)})
        self.colors: Dict[Value, int] = {
            (int(red), int(green), int(blue)): self._value_of(index)
            for index, (red, green, blue) in enumerate(dataset.metainfo['palette'])
        }
        self.colors.update({old: new for old, new in mapping.items() if isinstance(old, tuple)})
        wrong = [new for new in mapping.values() if not 0 <= new < 256 or self.known[new] == UNKNOWN]
        if wrong:
            raise DatasetError(f'--map: {wrong[0]} is neither a class of {", ".join(classes)} nor {IGNORE_INDEX}.')

    def write(self, infos: List[dict], out: Path) -> Set[Value]:
        """Translate and write every mask; return the values that they had."""
        root = self.dataset.data_prefix['seg_map_path']

        def one(info: dict) -> List[Value]:
            path = info['seg_map_path']
            content = fileio.get(path, backend_args=getattr(self.dataset, 'backend_args', None))
            target = (out / os.path.relpath(path, root)).with_suffix('.png')
            target.parent.mkdir(parents=True, exist_ok=True)
            found, translated = self.translate(path, decode_mask(self.dataset, info, content))
            Image.fromarray(translated).save(target)
            return found

        with ThreadPoolExecutor() as pool:
            return set().union(*pool.map(one, infos))

    def translate(self, path: str, mask: np.ndarray) -> Tuple[List[Value], np.ndarray]:
        """Translate one mask; return the values that it had, and ``(H, W)`` uint8."""
        found, place = distinct_values(mask)
        table = self.colors if found and isinstance(found[0], tuple) else self.values
        if table is self.colors and any(color not in table for color in found) and not self.mapping:
            grays = gray_values(found)
            if grays and not set(grays) <= {0, 255} and set(grays) <= set(self.values):
                found, table = [*grays], self.values  # indices, written three times
        unknown = [old for old in found if old not in table]
        if unknown:
            named = ', '.join(map(str, unknown[:8])) + (f' and {len(unknown) - 8} more' if len(unknown) > 8 else '')
            example = ','.join(map(str, unknown[0])) if isinstance(unknown[0], tuple) else unknown[0]
            raise DatasetError(
                f'{path}: no class for {named}. Correct classes and palette in metainfo, or map the value, e.g. '
                f'--map {example}={IGNORE_INDEX}'
            )
        return found, np.array([table[old] for old in found], np.uint8)[place].reshape(mask.shape[:2])

    def _value_of(self, label: int) -> int:
        """Return the value in a file that the loader reads as a class."""
        return int(np.flatnonzero(self.known == label)[0])


def distinct_values(mask: np.ndarray) -> Tuple[List[Value], np.ndarray]:
    """Return the values or colors of a decoded mask, and for each pixel the place of its own among them.

    Args:
        mask: From :func:`decode_mask`: ``(H, W)`` or ``(H, W, channels)``; colors are blue, green, red; of gray and
            alpha, gray is taken.

    Returns:
        Values, or colors ``(red, green, blue)``, in ascending order; and ``(H W,)`` places.
    """
    if mask.dtype in (np.uint8, np.bool_) and (mask.ndim == 2 or mask.shape[2] == 1):  # counting beats sorting
        counts = np.bincount(mask.ravel(), minlength=256)
        return np.flatnonzero(counts).tolist(), (np.cumsum(counts > 0) - 1)[mask.ravel().astype(np.uint8)]
    if mask.ndim == 2 or mask.shape[2] == 1:
        values, place = np.unique(mask, return_inverse=True)
        return values.tolist(), place.ravel()
    rgb = (mask[..., [0, 0, 0]] if mask.shape[2] == 2 else mask[..., 2::-1]).reshape(-1, 3).astype(np.int64)
    codes, place = np.unique(rgb @ [1 << 32, 1 << 16, 1], return_inverse=True)  # a sort of numbers, not of rows
    return [(code >> 32, code >> 16 & 0xFFFF, code & 0xFFFF) for code in codes.tolist()], place.ravel()


def gray_values(found: List[Value]) -> List[int]:
    """Return the grays of colors whose three channels are equal; empty if any is a true color."""
    colors = [value if isinstance(value, tuple) else (value,) * 3 for value in found]
    return [red for red, green, blue in colors] if all(red == green == blue for red, green, blue in colors) else []


def _black_and_white(masks: List[MaskFacts]) -> bool:
    """Check if a set has exactly the values 0 and 255."""
    return {int(value) for mask in masks for value in mask.values} == {0, 255}


def _settings(key: str, dataset: BaseDataset, out: Path) -> List[str]:
    """List the settings that make a dataset use the new masks."""
    old = getattr(dataset, 'seg_map_suffix', '.png')
    new = (old[: old.rfind('.')] if '.' in old else old) + '.png'
    lines = [f'{key}.data_prefix.seg_map_path={out}']
    return lines + ([f'{key}.seg_map_suffix={new}'] if new != old else [])
