"""Rules for all masks of a set together."""

from typing import Iterator, List, Tuple

import numpy as np
from mmengine.dataset import BaseDataset

from ...structures import IGNORE_INDEX, UNLABELED
from ..transforms import find_scribble_loader
from .mask_files import IGNORED, MaskFacts, unexplained
from .report import Problem, SetFacts
from .value_advice import all_values, first_class

FEW = 1e-4
"""Share of the labeled pixels below which a class is reported as rare."""
MANY_VALUES = 24
"""This many values without a class point to smoothing or compression, not to a wrong list of classes."""


def count_classes(facts: SetFacts, masks: List[Tuple[MaskFacts, np.ndarray]]) -> List[str]:
    """Count the pixels and images of each class.

    Args:
        facts: The set; its ``pixels`` and ``holders`` are filled in.
        masks: Readable masks, each with the meanings of its values.

    Returns:
        Paths of masks without any labeled pixel.
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
    """Yield a problem if a mask has values without a class.

    Args:
        mask: A mask.
        known: From :func:`meanings`.
        dataset: Its dataset.

    Yields:
        Kind and text of the problem.
    """
    bad = unexplained(mask, known)
    if not len(bad):
        return
    classes, ignore = len(dataset.metainfo['classes']), getattr(dataset, 'ignore_index', IGNORE_INDEX)
    first = first_class(known)
    reduced = ' with reduce_zero_label' if first else ''
    pixels = ', '.join(f'{mask.values[i]} ({mask.counts[i]} pixels)' for i in bad[:8])
    pixels += f' and {len(bad) - 8} more' if len(bad) > 8 else ''
    hint = ''
    if UNLABELED in mask.values[bad] and not find_scribble_loader(dataset):
        hint = ', or, if it marks the unlabeled pixels of scribbles, load the mask with LoadScribbles'
    if len(bad) >= MANY_VALUES:
        hint = '. So many values come from smoothing or lossy compression: export the masks again without either'
    yield (
        'value of no class',
        f'{mask.path}: label id {pixels}; there are {classes} classes ({first} to {first + classes - 1}{reduced}) '
        f'and the ignore index {ignore}. Rewrite these pixels as {ignore}, or map them to a class{hint}.',
    )


def label_problems(facts: SetFacts, masks: List[Tuple[MaskFacts, np.ndarray]], command: str) -> Iterator[Problem]:
    """Yield a problem if the masks of a set cannot train or score anything.

    Args:
        facts: The set, after :func:`count_classes`.
        masks: Readable masks, each with the meanings of its values.
        command: Command line of the tool.

    Yields:
        At most one problem.
    """
    if not masks or facts.pixels is None or len(facts.classes) < 2:
        return
    values = all_values(masks)
    if any(len(unexplained(mask, known)) for mask, known in masks):
        return  # each of these masks is already a problem
    present = [name for name, pixels in zip(facts.classes, facts.pixels) if pixels]
    absent = [name for name in facts.classes if name not in present]
    listed = ', '.join(map(str, values[:8]))
    where = f'{facts.key}: none of the {len(masks)} masks ({masks[0][0].path}, ...) has a pixel'
    if len(facts.classes) == 2 and absent and set(values) <= {0, 255}:
        yield Problem(
            'no object',
            f'{where} of class {absent[-1]!r}: the value 255 means "ignored" here, not {absent[-1]!r}.',
            f'If the masks are black and white, 0 and 255, this writes new ones of indices: {command} --fix OUT',
        )
    elif not present:
        yield Problem(
            'no object',
            f'{where} with a class: every value ({listed}) is ignored. Draw classes, or correct reduce_zero_label, the '
            'classes or the folder of masks.',
        )
    elif len(present) == 1 and (facts.role == 'labeled' or len(facts.classes) == 2):
        yield Problem(
            'no object',
            f'{where} of {", ".join(absent[:8])}: the only class in them is {present[0]!r} (values {listed}). Take '
            'images with at least two classes, or correct reduce_zero_label, the classes or the folder of masks.',
        )


def label_warnings(facts: SetFacts, num_masks: int, empty: List[str]) -> Iterator[Problem]:
    """Yield classes that are missing or rare, and masks without labels.

    Args:
        facts: The set, after :func:`count_classes`.
        num_masks: Number of its masks.
        empty: Return value of :func:`count_classes`.
    """
    if facts.pixels is None or facts.holders is None or not facts.pixels.any():
        return
    absent = [name for name, pixels in zip(facts.classes, facts.pixels) if not pixels]
    whole = facts.checked == facts.images
    if absent and whole:
        cost = 'is never learned' if facts.role == 'labeled' else 'is not scored'
        yield Problem(
            'absent classes',
            f'{facts.key}: no mask of {num_masks} has a pixel of {", ".join(absent)}: without pixels it {cost}.',
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
            f'{facts.key}: {len(empty)} of {num_masks} masks have no labeled pixel, the first are '
            f'{", ".join(empty[:3])}.',
        )
