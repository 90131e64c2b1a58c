"""Suggests images to label: scores all, chooses some, and writes what an annotator starts from."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np
from rich.progress import track

from ...apis import TrainedNetwork
from ..cli import UserError
from ..prediction_inputs import reason_of
from .choice import choose, draw
from .coco import write_coco
from .doubt import Doubter, check_kind
from .embedding import PooledFeatures
from .mask_coding import MaskCoding
from .new_folder import NewFolder
from .new_set import fits_beside
from .pre_labels import KEY, digest
from .run_data import Candidates, LabeledSet
from .thumbnails import (
    Legend,
    Panel,
    doubtful_regions,
    outlined,
    painted,
    photo_of,
    shrunk,
    thumbnail_path,
    write_thumbnail,
)

RANDOM = 'random'
"""A choice that asks no network: the control."""


class Wish(NamedTuple):
    """What is wanted."""

    number: int  # of images
    by: str  # a kind of doubt, or RANDOM
    pool: int  # the choice is among so many times the count, see choose()
    features: str  # see PooledFeatures
    seed: int  # of RANDOM
    lists_only: bool  # neither thumbnails nor masks


class Scored(NamedTuple):
    """Every image with its doubts and features, and those that could not be read."""

    doubts: Dict[str, Dict[str, float]]  # image -> kind -> mean over its pixels
    vectors: Dict[str, np.ndarray]
    failed: Dict[str, str]  # image -> reason


def suggest(
    network: TrainedNetwork, labeled: LabeledSet, candidates: Candidates, wish: Wish, folder: NewFolder
) -> Tuple[List[str], Dict[str, str]]:
    """Choose images, and write the folder.

    Args:
        network: The network of the run.
        labeled: Its labeled images.
        candidates: The images to choose from.
        wish: What is wanted.
        folder: Where to.

    Returns:
        Ids of the images, the most useful first; and those that could not be read, each with the reason.

    Raises:
        UserError: There are fewer images than wanted, or the network has no such doubt.
    """
    if wish.number > len(candidates.paths):
        raise UserError(
            f'--count {wish.number}: {candidates.folder} has {len(candidates.paths)} images without a label.'
        )
    coding = MaskCoding(labeled)
    folder.begin()
    if wish.by == RANDOM:
        scored = Scored({}, {}, {})
        chosen = draw(list(candidates.paths), wish.number, wish.seed)
    else:
        scored, known = _look_at_all(network, labeled, candidates, wish, folder)
        scores = {name: doubts[wish.by] for name, doubts in scored.doubts.items()}
        chosen = choose(scores, scored.vectors, known, wish.number, wish.pool)
    _write_lists(folder, labeled, candidates, chosen, scored.doubts, wish.by)
    if not wish.lists_only:
        _write_pictures(Doubter(network), coding, candidates, chosen, wish.by, folder)
    folder.finish()
    return chosen, scored.failed


def _look_at_all(
    network: TrainedNetwork, labeled: LabeledSet, candidates: Candidates, wish: Wish, folder: NewFolder
) -> Tuple[Scored, List[np.ndarray]]:
    """Predict every image without a label; return their scores, and the features of the labeled ones."""
    doubter, scored = Doubter(network), Scored({}, {}, {})

    with PooledFeatures(network.model, wish.features) as features:

        def look(path: Path) -> Dict[str, Any]:
            doubts = doubter.predict(network.read(str(path)), wish.by == 'disagreement')[1]
            means = {kind: np.float32(doubt.mean()) for kind, doubt in doubts.items()}
            return dict(means, features=features.take())

        for name, path in track(candidates.paths.items(), 'Looking', total=len(candidates.paths)):
            try:
                seen = folder.once(f'images/{name}', lambda path=path: look(path))  # type: ignore[misc]
            except Exception as error:  # of any decoder: the others are looked at all the same
                if isinstance(error, UserError):
                    raise
                scored.failed[name] = reason_of(error)
                continue
            scored.vectors[name] = seen.pop('features')
            scored.doubts[name] = {kind: float(value) for kind, value in seen.items()}
            check_kind(wish.by, scored.doubts[name])
        paths = {name: Path(labeled.info(name)['img_path']) for name in labeled.indices} if wish.pool != 1 else {}
        seen_labeled = [
            folder.once(f'labeled/{name}', lambda path=path: look(path))['features']  # type: ignore[misc]
            for name, path in track(paths.items(), 'Looking at labeled ones', total=len(paths))
        ]
    return scored, seen_labeled


def _write_lists(
    folder: NewFolder,
    labeled: LabeledSet,
    candidates: Candidates,
    chosen: List[str],
    doubts: Dict[str, Dict[str, float]],
    by: str,
) -> None:
    """Write the chosen ids, the list of the next training, and the scores of all images."""
    folder.write_lines('suggested.txt', chosen)
    if fits_beside(labeled, candidates, chosen):
        folder.write_lines('labeled.txt', sorted([*labeled.indices, *chosen]))
    if doubts:
        kinds = list(next(iter(doubts.values())))
        places = {name: str(number) for number, name in enumerate(chosen, start=1)}
        rows = [
            ','.join([f'"{name}"', places.get(name, ''), *(f'{one[kind]:.6g}' for kind in kinds)])
            for name, one in sorted(doubts.items(), key=lambda item: (int(places.get(item[0], 10**9)), -item[1][by]))
        ]
        folder.write_lines('scores.csv', [','.join(['image', 'suggested', *kinds]), *rows])


def _write_pictures(
    doubter: Doubter, coding: MaskCoding, candidates: Candidates, chosen: List[str], by: str, folder: NewFolder
) -> None:
    """Write pre-labels, annotations and thumbnails of the chosen images."""
    network, kind = doubter.network, 'entropy' if by == RANDOM else by
    legend = Legend(network.classes, network.palette)
    files, masks, photos, doubts = [], [], [], []
    digests: Dict[str, str] = {}
    for name in track(chosen, 'Writing'):
        pixels = network.read(str(candidates.paths[name]))
        found, maps = doubter.predict(pixels, kind == 'disagreement')
        written = coding.path(folder.place / 'masks', name)
        coding.write(written, found.mask)
        digests[name] = digest(coding.read(written))
        files.append(candidates.paths[name].relative_to(candidates.folder).as_posix())
        masks.append(found.mask)
        photos.append(shrunk(photo_of(pixels)))
        doubts.append(shrunk(maps[kind].astype(np.float32)))
    write_coco(folder.place / 'annotations.json', zip(files, masks), network.classes)
    folder.note(**{KEY: digests})
    for number, regions in enumerate(doubtful_regions(doubts)):
        name, photo, mask = chosen[number], photos[number], shrunk(masks[number], area=False)
        text = f'{number + 1}. {name}' + ('' if by == RANDOM else f'   {kind} {doubts[number].mean():.3g}')
        panels = [
            Panel(f'outlined: where {kind} is highest', outlined(photo, regions)),
            Panel('the prediction, as pre-label', outlined(painted(photo, mask, legend), regions)),
        ]
        path = thumbnail_path(folder.place, number + 1, name)
        write_thumbnail(path, text, panels, mask, legend)
