"""An honest estimate of the time that a run still takes: by the pace of late, with the validations to come."""

import statistics
from collections import deque
from typing import Deque, Optional

WINDOW = 200
WARM_UP = 3
"""First iterations that do not count: loaders fill, kernels are chosen, memory is claimed."""


class TimeLeft:
    """Adds up what is left: iterations at the mean pace of the last 200, and validations at the pace of the last one.

    An iteration is the time from the end of one to the end of the next, so loading, logging, pictures and checkpoints
    are in it; the time of a validation is taken out. The pace of late, because stages of a method differ in cost.
    """

    def __init__(self) -> None:
        self._paces: Deque[float] = deque(maxlen=WINDOW)
        self._seen, self._last, self._paused = 0, 0.0, 0.0
        self.validation: Optional[float] = None

    def start(self, now: float) -> None:
        """Begin; called before the first iteration.

        Args:
            now: Seconds of a clock.
        """
        self._last, self._paused = now, 0.0

    def iteration_done(self, now: float) -> None:
        """Count an iteration that has just ended.

        Args:
            now: Seconds of a clock.
        """
        self._seen += 1
        if self._seen > WARM_UP:
            self._paces.append(now - self._last - self._paused)
        self._last, self._paused = now, 0.0

    def validation_done(self, seconds: float) -> None:
        """Count a validation.

        Args:
            seconds: How long it took.
        """
        self.validation = seconds
        self._paused += seconds

    def pace(self) -> Optional[float]:
        """Return seconds per iteration; None before any has counted."""
        return statistics.fmean(self._paces) if self._paces else None

    def left(self, iterations: int, validations: int) -> Optional[float]:
        """Estimate the seconds that are left.

        Args:
            iterations: Iterations to come.
            validations: Validations to come; before the first one, whose length nobody knows, they count as nothing.

        Returns:
            Seconds; None before any iteration has counted.
        """
        pace = self.pace()
        return None if pace is None else iterations * pace + validations * (self.validation or 0.0)

    def describe(self, iterations: int, validations: int) -> str:
        """Return the estimate in words.

        Args:
            iterations: As for :meth:`left`.
            validations: As for :meth:`left`.
        """
        seconds = self.left(iterations, validations)
        if seconds is None:
            return 'no estimate yet'
        unknown = validations > 0 and self.validation is None
        return in_words(seconds) + (f' and {validations} validations' if unknown else '') + ' left'


def in_words(seconds: float) -> str:
    """Return a duration in one unit or two: ``40 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f'{round(seconds)} s'
    if minutes < 60:
        return f'{minutes} min'
    if minutes < 24 * 60:
        return f'{minutes // 60} h {minutes % 60:02d} min'
    hours = round(seconds / 3600)
    return f'{hours // 24} d {hours % 24} h'
