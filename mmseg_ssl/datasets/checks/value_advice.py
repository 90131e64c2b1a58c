"""What a user can do about masks whose values are not those of the classes."""

from typing import List, Tuple

import numpy as np
from mmengine.dataset import BaseDataset

from ...structures import IGNORE_INDEX
from ..transforms import find_scribble_loader
from .mask_files import IGNORED, MaskFacts

SCRIBBLES_ALONE = ' --cfg-options val_dataloader=None test_dataloader=None'
"""The masks of validation are full ones, to which the values of scribbles say nothing."""


def first_class(known: np.ndarray) -> int:
    """Return the value of class 0 in a file: 0, or 1 with ``reduce_zero_label``.

    Args:
        known: From :func:`meanings`.
    """
    return int(known[0] == IGNORED and known[1] == 0)


def all_values(masks: List[Tuple[MaskFacts, np.ndarray]]) -> List[int]:
    """List the values that occur in the masks of a set.

    Args:
        masks: Readable masks, each with the meanings of its values.
    """
    return sorted({int(value) for mask, _ in masks for value in mask.values})


def mapping_advice(masks: List[Tuple[MaskFacts, np.ndarray]], dataset: BaseDataset, command: str) -> str:
    """Return how values become classes, a command or a setting; empty if these values cannot stand for the classes.

    Args:
        masks: Readable masks, each with the meanings of its values.
        dataset: Their dataset.
        command: Command line of the tool.
    """
    number, first = len(dataset.metainfo.get('classes') or ()), first_class(masks[0][1]) if masks else 0
    values, new, loader, rest = all_values(masks), list(range(first, first + number)), find_scribble_loader(dataset), ''
    reads, zero_is_none = 'the', '0 means unlabeled and the other'
    if loader and loader.unlabeled_value < number:
        return (
            f'{loader.unlabeled_value} is the index of a class, so it cannot mean unlabeled: leave out unlabeled_value '
            'of LoadScribbles, and check again for the command that rewrites these masks.'
        )
    if loader:
        rest = SCRIBBLES_ALONE
        if loader.unlabeled_value not in values and values[:1] == [0]:
            new, reads = [loader.unlabeled_value, *new], zero_is_none
        values = [value for value in values if value not in loader.file_values]
    else:
        if first and values[:1] == [0]:
            values, reads = values[1:], zero_is_none
        if len(values) != number:  # as many grays as classes may end with white
            values = [value for value in values if value != IGNORE_INDEX]
    if values == list(range(number + 1)) and not (first or loader):
        return (
            f'If 0 is no class and 1 to {number} are the classes in order, set reduce_zero_label=True for the '
            'datasets of labeled images, of val and of test. If 0 is a class, too, the name of one is missing: give '
            f'{number + 1} classes to these datasets and to the heads.'
        )
    pairs = ' '.join(f'{old}={index}' for old, index in zip(values, new) if old != index)
    if not pairs or len(values) > len(new):
        return ''
    fix = f'{command} --fix OUT --map {pairs}{rest}'
    covered = len(values) - (len(new) - number)
    of = 'the classes' if covered == number else f'the first {covered} of the {number} classes'
    return f'If {reads} values stand for {of} in order, this writes new masks: {fix}'
