"""What the host says about itself, which a user can do nothing about: known texts alone, all else is shown."""

import warnings
from contextlib import contextmanager
from typing import Iterator

USELESS_TO_PYTHON = (
    '``build_loss`` would be deprecated',  # mmseg's own heads call it
    'The draw is False, it means',  # a hook that is on by default, for tests that draw nothing
)
"""Beginnings of warnings."""
USELESS_IN_PREDICTION = (
    'When align_corners=True, the output would more aligned',  # advice on sizes of crops; photos have their own
    'Default ``avg_non_ignore`` is False',  # of a loss, which nobody computes
)
"""Beginnings of warnings that say something to who trains."""


def ignore_useless_warnings() -> None:
    """Leave the known warnings out, until the filters are changed again."""
    for text in USELESS_TO_PYTHON:
        warnings.filterwarnings('ignore', message=text)


@contextmanager
def without_useless_warnings() -> Iterator[None]:
    """Leave the known warnings out within a block that loads a trained network or predicts with it."""
    with warnings.catch_warnings():
        ignore_useless_warnings()
        for text in USELESS_IN_PREDICTION:
            warnings.filterwarnings('ignore', message=text)
        yield
