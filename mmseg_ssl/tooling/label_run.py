"""The settings, the parts and the end of a run of ``tools/pseudo_label.py``, which several machines may share."""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from mmengine.config import Config
from mmseg.registry import DATASETS

from ..apis.network import pipeline_of_images
from ..datasets.pseudo_label_files import is_labeled, label_path, summarize
from ..errors import UserError
from ..utils.atomic_files import replace_file
from ..utils.file_digest import file_marks, sha256_of
from .cli import read_json

MARKS = 'images.json'
"""File in the folder of labels that says which images they are of."""
LATER = ('pipeline_sha256',)
"""Settings that folders of earlier versions do not hold; such a folder goes on."""


def shard(text: str) -> Tuple[int, int]:
    """Read ``2/8``, the second of eight parts.

    Raises:
        argparse.ArgumentTypeError: It is no such text.
    """
    found = re.fullmatch(r'(\d+)/(\d+)', text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f'a part is K/N with 1 <= K <= N, such as 2/8, got {text!r}')
    return int(found[1]), int(found[2])


def part_of(names: Sequence[str], which: Tuple[int, int], out: Path) -> List[str]:
    """List the images of a part that have no label yet; parts differ by one image at most, and never change.

    Args:
        names: Ids of all images, sorted.
        which: Number of the part from 1, and number of parts.
        out: Folder of the labels.
    """
    number, count = which
    return [name for name in names[number - 1 :: count] if not is_labeled(out, name)]


def finish(out: Path, names: Sequence[str], settings: Dict[str, Any], classes: List[str], ranked: bool) -> None:
    """Write the statistics if all images are labeled; else say how many other parts still have to label.

    Args:
        out: Folder of the labels.
        names: Ids of all images, sorted.
        settings: Of :func:`label_settings`.
        classes: Names of the classes.
        ranked: Write the ranking of ST++, too.
    """
    missing = sum(not is_labeled(out, name) for name in names)
    if missing:
        print(f'{missing} of {len(names)} images are of other parts and not labeled yet; the last part sums up.')
        return
    if ranked:
        rank(out, list(names))
    summary = dict(settings, **summarize(out, list(names), classes))
    replace_file(out / 'summary.json', json.dumps(summary, indent=1).encode(), shared=True)
    print(f'{summary["kept"]:.1%} of the pixels labeled, mean confidence {summary["mean_confidence"]:.3f}: {out}')


def label_settings(args: argparse.Namespace, cfg: Config) -> Dict[str, Any]:
    """Collect the settings that the labels depend on, and compare them with those of existing labels in OUT.

    Returns:
        Content of ``OUT/settings.json``.

    Raises:
        UserError: A checkpoint is missing, or OUT holds labels that were made with other settings.
    """
    for path in (args.checkpoint, *args.earlier):
        if not Path(path).is_file():
            raise UserError(f'there is no checkpoint {path}.')
    steps = json.dumps(image_steps(cfg), sort_keys=True, default=repr)
    settings = dict(
        config=args.config,
        model_sha256=hashlib.sha256(repr(cfg.model.to_dict()).encode()).hexdigest(),
        pipeline_sha256=hashlib.sha256(steps.encode()).hexdigest(),
        checkpoint=args.checkpoint,
        checkpoint_sha256=sha256_of(args.checkpoint),
        earlier_sha256=[sha256_of(path) for path in args.earlier],
        predict_on=args.predict_on,
        threshold=args.threshold,
        flip=args.flip,
        trust=args.trust,
        trust_threshold=args.trust_threshold,
        trust_share=args.trust_share,
    )
    if not args.trust and (args.trust_threshold, args.trust_share) != (None, None):
        raise UserError('--trust-threshold and --trust-share say how far to trust; --trust says by what. Give it, too.')
    path = args.out / 'settings.json'
    if path.is_file():
        before = read_json(path)
        # paths do not count: a moved file is still the same file
        free = ('config', 'checkpoint', *(key for key in LATER if key not in before))
        changed = [key for key in settings if key not in free and before.get(key) != settings[key]]
        if changed:
            raise UserError(f'{args.out} holds labels made with another {", ".join(changed)}. Give another folder.')
    elif (args.out / 'masks').is_dir():
        raise UserError(f'{args.out} holds masks of unknown origin (no settings.json). Give another folder.')
    return settings


def image_steps(cfg: Config) -> List[dict]:
    """Return the steps that prepare an image to be labeled: those of the test data, without masks.

    Args:
        cfg: The config.

    Raises:
        UserError: It has none.
    """
    return [step for step in pipeline_of_images(cfg) if step['type'] != 'LoadAnnotations']


def label_marks(out: Path, paths: Dict[str, str]) -> Dict[str, str]:
    """Compare the images with those that existing labels were made of; images may be moved, and others may come.

    The names alone do not tell: cameras name the photos of every session alike.

    Args:
        out: Folder of the labels.
        paths: Path of each image, by its id; of all parts.

    Returns:
        Content of ``OUT/images.json``: id -> mark of its file, of all images that this folder ever was for.

    Raises:
        UserError: OUT holds the label of another image by the id of one of them.
    """
    marks, before = file_marks(paths.values()), read_json(out / MARKS) if (out / MARKS).is_file() else {}
    now = {name: marks[path] for name, path in paths.items()}
    labeled = [name for name in now if is_labeled(out, name)]
    others = [name for name in labeled if before.get(name, now[name]) != now[name]]
    if others:
        name = others[0]
        more = f' (and of {len(others) - 1} more)' if len(others) > 1 else ''
        raise UserError(
            f'{out} holds the label of another image as {name}{more}, which {paths[name]} would be, too. Give another '
            f'folder, or remove {label_path(out, "masks", name)} to have it labeled anew.'
        )
    unknown = sum(name not in before for name in labeled)
    if unknown:
        print(
            f'{unknown} labels in {out} are of an earlier version, which did not note their images: give another '
            'folder if they are of others.'
        )
    return {**before, **now}


def note(out: Path, settings: Dict[str, Any], marks: Dict[str, str]) -> None:
    """Write what the labels depend on, before the first of them.

    Args:
        out: Folder of the labels.
        settings: Of :func:`label_settings`.
        marks: Of :func:`label_marks`.
    """
    for name, content in ((MARKS, marks), ('settings.json', settings)):
        replace_file(out / name, json.dumps(content, indent=1).encode(), shared=True)


def rank(out: Path, ids: List[str]) -> None:
    """Write ``reliability.txt`` (id and score, best first) and ``reliable.txt`` (ids of the first half)."""
    scores = {name: float(label_path(out, 'reliability', name).with_suffix('.txt').read_text()) for name in ids}
    order = sorted(ids, key=lambda name: (-scores[name], name))
    ranking, best = [f'{name}\t{scores[name]:.6f}\n' for name in order], order[: -(-len(order) // 2)]
    replace_file(out / 'reliability.txt', ''.join(ranking).encode(), shared=True)
    replace_file(out / 'reliable.txt', ''.join(f'{name}\n' for name in best).encode(), shared=True)


def class_names(cfg: Config, count: int) -> List[str]:
    """Return the names of the classes from the config's dataset, or their numbers if they do not fit."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    known = getattr(DATASETS.get(dataset.type), 'METAINFO', {}) if 'type' in dataset else {}
    names = dict(known, **dataset.get('metainfo', {})).get('classes', ())
    return list(names) if len(names) == count else [str(number) for number in range(count)]
