"""Moments of a run, in iterations or as shares of its length."""

import math
from typing import Any, Iterator, Union

from mmengine.runner import EpochBasedTrainLoop

Moment = Union[int, float]
"""An ``int`` is a number of iterations; a ``float`` from 0.0 to 1.0 is a share of the run's length."""


def check_moment(moment: Moment, name: str) -> Moment:
    """Check a moment of a run, and return it.

    Args:
        moment: Iterations or a share.
        name: Its name in the error message, e.g. ``'UnsupRampHook: end'``.

    Raises:
        ValueError: An ``int`` below 0, or a ``float`` outside of 0.0 to 1.0.
    """
    if isinstance(moment, float) and 0 <= moment <= 1 or isinstance(moment, int) and moment >= 0:
        return moment
    raise ValueError(
        f'{name} is a number of iterations (an int, at least 0) or a share of the run (a float from 0.0 to 1.0), '
        f'got {moment!r}.'
    )


def one_warnings(moment: Moment, name: str) -> Iterator[str]:
    """Yield a doubt of the ``int`` 1, where the whole run may be meant.

    Args:
        moment: Iterations or a share.
        name: Its name in the message, e.g. ``'UnsupRampHook: end'``.
    """
    if moment == 1 and isinstance(moment, int):
        yield f'{name}=1 is the first iteration; 1.0 is the end of the run, 0.5 its middle.'


def to_iteration(moment: Moment, length: int) -> int:
    """Return the iteration of a moment; a share's is the nearest one, :math:`\\mathrm{round}(share \\cdot length)`.

    Args:
        moment: Iterations or a share.
        length: Iterations of the whole run.
    """
    return round(moment * length) if isinstance(moment, float) else moment


def to_interval(interval: Moment, length: int) -> int:
    """Return the iterations (or epochs) between two events, at least 1.

    A share is rounded up: ten intervals of 0.1 must not end just before the run ends, where there is an event anyway.

    Args:
        interval: Iterations or a share.
        length: Iterations of the whole run.

    Raises:
        ValueError: It is 0, or not a moment.
    """
    if check_moment(interval, 'an interval such as val_interval') == 0:
        raise ValueError(f'an interval such as val_interval is above 0, got {interval!r}.')
    # 0.07 * 100 is a little above 7
    return max(1, math.ceil(round(interval * length, 6))) if isinstance(interval, float) else interval


def counts_epochs(runner: Any) -> bool:
    """Return whether a run counts epochs, and its ``val_interval`` is one of epochs, be it of a single epoch.

    Args:
        runner: The runner, whose training loop is built.
    """
    return isinstance(runner.train_loop, EpochBasedTrainLoop)
