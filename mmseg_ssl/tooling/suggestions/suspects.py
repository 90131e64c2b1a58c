"""Lists the masks of a set that a network contradicts with confidence, and shows where."""

from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from rich.progress import track

from ...apis import TrainedNetwork
from ...datasets.splits import find_split, read_ids
from ...errors import DatasetError
from ..cli import UserError
from .coco import write_coco
from .given_masks import copy_file
from .label_errors import Agreement, LabelError, find_errors, ranked
from .mask_coding import MaskCoding
from .new_folder import NewFolder
from .run_data import LabeledSet
from .thumbnails import Legend, Panel, outlined, painted, photo_of, shrunk, thumbnail_path, write_thumbnail

COLUMNS = 'rank,image,mask,given,predicted,share,confidence,surprise,left,top,width,height'


def names_of(labeled: LabeledSet, only: Any) -> List[str]:
    """Return the ids of a set, or those of a list.

    Args:
        labeled: The set.
        only: The list, or None.

    Raises:
        UserError: The list names an image that is not in the set.
    """
    wanted = read_ids(find_split(str(only))) if only else sorted(labeled.indices)
    missing = [name for name in wanted if name not in labeled.indices]
    if missing:
        raise UserError(f'{only}: {missing[0]} has no mask in this set ({len(missing)} such ids).')
    return wanted


def find_suspects(
    network: TrainedNetwork, labeled: LabeledSet, names: Sequence[str], count: int, folder: NewFolder
) -> List[LabelError]:
    """Predict labeled images, and write a folder with the regions that the network contradicts.

    Args:
        network: The network.
        labeled: A set with masks.
        names: Images of it.
        count: Number of images that get a thumbnail and a copy of their mask.
        folder: Where to.

    Returns:
        All such regions, the likeliest errors first.

    Raises:
        DatasetError: A mask cannot be read, or has another size than its image.
        UserError: The network has other classes than the set.
    """
    coding = MaskCoding(labeled)
    if len(network.classes) != len(coding.classes):
        raise UserError(f'the network has {len(network.classes)} classes, the set {len(coding.classes)}.')
    folder.begin()
    agreement = Agreement(len(network.classes))
    for name in track(names, 'Comparing'):
        agreement.add(*_compared(network, labeled, coding, name, folder))
    errors: List[LabelError] = []
    for name in names:
        errors += [found for found, _ in find_errors(name, *_seen(folder, name), agreement)]
    errors = ranked(errors)
    masks = {name: Path(labeled.info(name)['seg_map_path']) for name in names}
    folder.write_lines('errors.csv', [COLUMNS, *_rows(errors, masks, network.classes)])
    suspects = list(dict.fromkeys(error.image for error in errors))
    folder.write_lines('suspects.txt', suspects)
    _write_pictures(network, labeled, coding, errors, suspects[:count], agreement, folder)
    folder.finish()
    return errors


def _compared(
    network: TrainedNetwork, labeled: LabeledSet, coding: MaskCoding, name: str, folder: NewFolder
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return label, prediction and confidence of an image."""

    def make() -> Dict[str, np.ndarray]:
        info = labeled.info(name)
        label, pixels = coding.read(Path(info['seg_map_path'])), network.read(info['img_path'])
        if label.shape != pixels.shape[:2]:
            sizes = f'{label.shape[1]}x{label.shape[0]}', f'{pixels.shape[1]}x{pixels.shape[0]}'
            raise DatasetError(f'{info["seg_map_path"]} is {sizes[0]}, its image {info["img_path"]} is {sizes[1]}.')
        found = network(pixels)
        # half precision halves the files of large sets; near 1 it keeps 3 digits
        return dict(label=label, mask=found.mask, confidence=found.confidence.astype(np.float16))

    folder.once(name, make)
    return _seen(folder, name)


def _seen(folder: NewFolder, name: str) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = folder.once(name, dict)  # made before
    return found['label'], found['mask'], found['confidence'].astype(np.float32)


def _rows(errors: Sequence[LabelError], masks: Dict[str, Path], classes: Sequence[str]) -> List[str]:
    return [
        f'{number},"{error.image}","{masks[error.image]}","{classes[error.given]}","{classes[error.predicted]}",'
        f'{error.share:.5f},{error.confidence:.4f},{error.surprise:.2f},{",".join(map(str, error.box))}'
        for number, error in enumerate(errors, start=1)
    ]


def _write_pictures(
    network: TrainedNetwork,
    labeled: LabeledSet,
    coding: MaskCoding,
    errors: Sequence[LabelError],
    suspects: Sequence[str],
    agreement: Agreement,
    folder: NewFolder,
) -> None:
    """Write thumbnails of the first images, and copies of their masks to correct."""
    legend, files, labels = Legend(network.classes, network.palette), [], []
    for number, name in enumerate(suspects, start=1):
        label, mask, confidence = _seen(folder, name)
        info = labeled.info(name)
        copy_file(Path(info['seg_map_path']), coding.path(folder.place / 'masks', name))
        files.append(Path(info['img_path']).relative_to(labeled.images).as_posix())
        labels.append(label)
        regions = np.any([inside for _, inside in find_errors(name, label, mask, confidence, agreement)], axis=0)
        small = shrunk(regions.astype(np.uint8), area=False) > 0
        photo, given, predicted = (
            shrunk(photo_of(network.read(info['img_path']))),
            shrunk(label, area=False),
            shrunk(mask, area=False),
        )
        worst = next(error for error in errors if error.image == name)
        said = f'{legend.classes[worst.given]} may be {legend.classes[worst.predicted]}'
        text = f'{number}. {name}   {said}: {worst.share:.1%} of the image, confidence {worst.confidence:.2f}'
        panels = [
            Panel('contradicted', outlined(photo, small)),
            Panel('the given mask (gray: ignored)', outlined(painted(photo, given, legend), small)),
            Panel('the prediction', outlined(painted(photo, predicted, legend), small)),
        ]
        path = thumbnail_path(folder.place, number, name)
        write_thumbnail(path, text, panels, np.concatenate([given, predicted]), legend)
    write_coco(folder.place / 'annotations.json', zip(files, labels), network.classes)
