"""Ramp of the unlabeled loss terms."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from .bare_model import bare_model
from .kept_moments import kept_iterations
from .run_length import Moment, check_moment, one_warnings


@HOOKS.register_module()
class UnsupRampHook(Hook):
    r"""Ramps the unlabeled loss terms up from 0, for schedules that are too short to forget early mistakes.

    Sets ``model.unsup_scale``, by which the base of all methods multiplies the unlabeled terms, to
    :math:`\mathrm{clip}((t - begin) / (end - begin), 0, 1)` at iteration :math:`t`. It depends only on the iteration,
    so a resumed run continues exactly, also with another length: begin and end stay where they were.

    Args:
        begin: Start of the ramp: an ``int`` is an iteration, a ``float`` a share of the run's length (``0.1``).
        end: End of the ramp, from which on the terms count in full; likewise, above ``begin``.

    Raises:
        ValueError: If the range is not possible.
    """

    def __init__(self, begin: Moment, end: Moment) -> None:
        for name, moment in dict(begin=begin, end=end).items():
            check_moment(moment, f'UnsupRampHook: {name}')
        if type(begin) is type(end) and begin >= end:
            raise ValueError(f'UnsupRampHook needs begin < end, got {begin} and {end}.')
        self.begin, self.end = begin, end
        self._range = begin, end

    def before_train(self, runner: Runner) -> None:
        """Turn shares into iterations of this run.

        Raises:
            ValueError: The unlabeled terms would never count.
        """
        begin, end = kept_iterations(runner, 'unlabeled_ramp', dict(begin=self.begin, end=self.end)).values()
        if begin > end:
            raise ValueError(
                f'UnsupRampHook: begin={self.begin} and end={self.end} are iterations {begin} and {end} of the '
                f"run's {runner.max_iters}: give both as shares of its length, e.g. begin=0.1, end=0.2."
            )
        if isinstance(self.begin, int) and begin >= runner.max_iters:
            raise ValueError(
                f'UnsupRampHook: begin={begin}, but the run ends at iteration {runner.max_iters}: unlabeled images '
                'would never count. Give begin and end as shares of its length, e.g. begin=0.1, end=0.2.'
            )
        if end > runner.max_iters:
            runner.logger.warning(
                f'UnsupRampHook: end={end} is beyond the run, of {runner.max_iters} iterations: unlabeled images never '
                'count in full. A share of its length, e.g. end=0.2, is always within it.'
            )
        for text in one_warnings(self.end, 'UnsupRampHook: end'):
            runner.logger.warning(text)
        self._range = begin, end
        runner.logger.info(f'Unlabeled images count from iteration {begin} on, and in full from iteration {end} on.')

    def scale(self, iteration: int) -> float:
        """Return the factor of the unlabeled terms at an iteration, in ``[0, 1]``."""
        begin, end = self._range
        return min(max((iteration - begin) / max(end - begin, 1), 0.0), 1.0)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the factor for the step that follows."""
        model = bare_model(runner)
        scale = getattr(model, 'unsup_scale', None)
        if scale is None:
            raise TypeError(f'UnsupRampHook needs one of the methods of mmseg_ssl, got {type(model).__name__}.')
        scale.fill_(self.scale(runner.iter))
