"""What the masks of a whole set say together."""

from typing import Iterator, List, Tuple

import numpy as np
from mmengine.dataset import BaseDataset

from ...structures import IGNORE_INDEX, UNLABELED
from ..transforms import find_scribble_loader
from .mask_files import IGNORED, MaskFacts, unexplained
from .report import Problem, SetFacts

FEW = 1e-4
"""A class with a smaller share of the labeled pixels is named."""
MANY_VALUES = 24


def count_classes(facts: SetFacts, masks: List[Tuple[MaskFacts, np.ndarray]]) -> List[str]:
    """Count pixels and images of each class.

    Args:
        facts: The set; its ``pixels`` and ``holders`` are filled in.
        masks: Readable masks, each with what its values mean.

    Returns:
        Masks without a single pixel that counts.
    """
    facts.pixels = np.zeros(len(facts.classes), np.int64)
    facts.holders = np.zeros(len(facts.classes), np.int64)
    empty = []
    for mask, known in masks:
        labels = known[np.clip(mask.values, 0, 255).astype(np.int64)]
        labels[unexplained(mask, known)] = IGNORED
        counts = np.bincount(labels[labels >= 0], mask.counts[labels >= 0], minlength=len(facts.classes))
        facts.pixels += counts.astype(np.int64)
        facts.holders += counts > 0
        if not counts.any():
            empty.append(mask.path)
    return empty


def value_problems(mask: MaskFacts, known: np.ndarray, dataset: BaseDataset) -> Iterator[Tuple[str, str]]:
    """Values that no class explains.

    Args:
        mask: A mask.
        known: From :func:`meanings`.
        dataset: Its dataset.

    Yields:
        Kind and text.
    """
    bad = unexplained(mask, known)
    if not len(bad):
        return
    classes, ignore = len(dataset.metainfo['classes']), getattr(dataset, 'ignore_index', IGNORE_INDEX)
    pixels = ', '.join(f'{mask.values[i]} ({mask.counts[i]} pixels)' for i in bad[:8])
    pixels += f' and {len(bad) - 8} more' if len(bad) > 8 else ''
    hint = ''
    if UNLABELED in mask.values[bad] and not find_scribble_loader(dataset):
        hint = ', or, where it is what scribbles leave unlabeled, load the mask with LoadScribbles'
    if len(bad) >= MANY_VALUES:
        hint = '. So many values come from smoothing or lossy compression: export the masks anew without either'
    yield (
        'value of no class',
        f'{mask.path}: label id {pixels}; there are {classes} classes (0 to {classes - 1}) and the '
        f'ignore index {ignore}. Rewrite these pixels as {ignore}, or map them to a class{hint}.',
    )


def all_values(masks: List[Tuple[MaskFacts, np.ndarray]]) -> List[int]:
    """The values that occur in the masks of a set.

    Args:
        masks: Readable masks, each with what its values mean.
    """
    return sorted({int(value) for mask, _ in masks for value in mask.values})


def mapping_advice(masks: List[Tuple[MaskFacts, np.ndarray]], num_classes: int, command: str) -> str:
    """How to give masks other values, if there are few enough to stand for the classes; empty if not.

    Args:
        masks: Readable masks, each with what its values mean.
        num_classes: Number of classes.
        command: How the tool is called.
    """
    values = all_values(masks)
    if len(values) > num_classes + 1:
        return ''
    classes = [value for value in values if value != IGNORE_INDEX] if len(values) > num_classes else values
    pairs = ' '.join(f'{old}={new}' for new, old in enumerate(classes) if old != new)
    return f'If the values stand for the classes in order, this writes new masks: {command} --fix OUT --map {pairs}'


def label_problems(facts: SetFacts, masks: List[Tuple[MaskFacts, np.ndarray]], command: str) -> Iterator[Problem]:
    """Masks that cannot teach or score anything.

    Args:
        facts: After :func:`count_classes`.
        masks: Readable masks, each with what its values mean.
        command: How the tool is called.

    Yields:
        At most one problem.
    """
    if not masks or facts.pixels is None or len(facts.classes) < 2:
        return
    values = all_values(masks)
    if any(len(unexplained(mask, known)) for mask, known in masks):
        return  # each of these masks is a problem already
    present = [name for name, pixels in zip(facts.classes, facts.pixels) if pixels]
    absent = [name for name in facts.classes if name not in present]
    listed = ', '.join(map(str, values[:8]))
    where = f'{facts.key}: none of the {len(masks)} masks ({masks[0][0].path}, ...) has a pixel'
    if len(facts.classes) == 2 and absent and set(values) <= {0, 255}:
        yield Problem(
            'no object',
            f'{where} of class {absent[-1]!r}: the value 255 means "ignored" here, not {absent[-1]!r}.',
            f'If the masks are black and white, 0 and 255, this writes new ones of 0 and 1: {command} --fix OUT',
        )
    elif not present:
        yield Problem(
            'no object',
            f'{where} that counts: every value ({listed}) is ignored. Draw classes, or correct reduce_zero_label, the '
            'classes or the folder of masks.',
        )
    elif len(present) == 1 and (facts.role == 'labeled' or len(facts.classes) == 2):
        yield Problem(
            'no object',
            f'{where} of {", ".join(absent[:8])}: the only class in them is {present[0]!r} (values {listed}). Take '
            'images that hold two classes at least, or correct reduce_zero_label, the classes or the folder of masks.',
        )


def label_warnings(facts: SetFacts, num_masks: int, empty: List[str]) -> Iterator[Problem]:
    """Classes that are absent or rare, and masks that say nothing.

    Args:
        facts: After :func:`count_classes`.
        num_masks: Number of its masks.
        empty: What :func:`count_classes` returned.
    """
    if facts.pixels is None or facts.holders is None or not facts.pixels.any():
        return
    absent = [name for name, pixels in zip(facts.classes, facts.pixels) if not pixels]
    whole = facts.checked == facts.images
    if absent and whole:
        cost = 'is never learned' if facts.role == 'labeled' else 'is not scored'
        yield Problem(
            'absent classes',
            f'{facts.key}: no mask of {num_masks} has a pixel of {", ".join(absent)}: what no mask shows {cost}.',
        )
    few = facts.pixels / facts.pixels.sum()
    for name, share, pixels, images in zip(facts.classes, few, facts.pixels, facts.holders):
        if 0 < share < FEW and whole:
            yield Problem(
                'rare classes', f'{facts.key}: class {name!r} has {pixels} pixels in {images} of {num_masks} masks.'
            )
    if empty:
        yield Problem(
            'empty masks',
            f'{facts.key}: {len(empty)} of {num_masks} masks have no pixel that counts, the first are '
            f'{", ".join(empty[:3])}.',
        )
