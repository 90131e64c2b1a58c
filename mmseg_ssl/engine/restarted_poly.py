"""Polynomial decay that begins again."""

from typing import Any, List, Sequence

from mmengine.optim import PolyLR
from mmseg.registry import PARAM_SCHEDULERS

from .run_length import Moment, check_moment, to_iteration


@PARAM_SCHEDULERS.register_module()
class RestartedPolyLR(PolyLR):
    r"""The host's ``PolyLR`` that begins again from the full rate, for a run of several parts.

    In a part from iteration :math:`a` to :math:`b` the rate of iteration :math:`t` is

    .. math:: \eta_{min} + (\eta_0 - \eta_{min}) \Big(1 - \frac{t - a}{b - 1 - a}\Big)^{power}.

    A second ``PolyLR`` in ``param_scheduler`` could not do it: the host's schedulers multiply the current rate, which
    is 0 at the end of a part.

    Args:
        *args: As of ``PolyLR``.
        restarts: Where a part begins, in ascending order; an ``int`` counts from ``begin`` on, iterations or epochs as
            the schedule does; a ``float`` is a share of the schedule. Of a run that is resumed with another length,
            shares move.
        **kwargs: As of ``PolyLR``.

    Raises:
        ValueError: A part has no iteration.
    """

    def __init__(self, *args: Any, restarts: Sequence[Moment] = (), begin: int = 0, end: int, **kwargs: Any) -> None:
        length = end - begin
        starts = [to_iteration(check_moment(moment, 'RestartedPolyLR: restarts'), length) for moment in restarts]
        self.bounds = [0, *starts, length]
        if any(late <= early for early, late in zip(self.bounds, self.bounds[1:])):
            raise ValueError(
                f'RestartedPolyLR: of {length} iterations, the parts {list(restarts)} begin at {starts}, and one has '
                'no iteration. Give restarts in ascending order, between 0 and the end of the run.'
            )
        super().__init__(*args, begin=begin, end=end, **kwargs)

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, restarts: Sequence[Moment] = (), epoch_length: int, **kwargs: Any
    ) -> Any:
        """Build the schedule of iterations that one of epochs means (``convert_to_iter_based``)."""
        restarts = [moment if isinstance(moment, float) else moment * epoch_length for moment in restarts]
        return super().build_iter_from_epoch(*args, restarts=restarts, epoch_length=epoch_length, **kwargs)

    def _get_value(self) -> List[float]:
        """Compute the next rates from the current ones, as the host does, and the full ones where a part begins."""
        start = max(bound for bound in self.bounds[:-1] if bound <= self.last_step)
        if start and self.last_step == start:
            return list(self.base_values)
        if self.last_step == start:
            return [group[self.param_name] for group in self.optimizer.param_groups]
        left = self.bounds[self.bounds.index(start) + 1] - self.last_step
        return [
            (group[self.param_name] - self.eta_min) * (1 - 1 / left) ** self.power + self.eta_min
            for group in self.optimizer.param_groups
        ]
