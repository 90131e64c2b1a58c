"""Schedule of ELN's stages."""

from typing import Any, Dict, Optional

from mmengine.runner import Runner
from mmseg.registry import HOOKS

from .run_length import Moment
from .stage_hook import StageHook


@HOOKS.register_module()
class ELNStageHook(StageHook):
    """:class:`StageHook` for ELN, whose teacher becomes a copy of the student when the stage ``semi`` begins.

    Use it with ``MeanTeacherHook(warmup=False)``.

    Args:
        starts: First iteration of each stage by name, as in :class:`StageHook`, e.g.
            ``dict(pretrain=0, warmup=0.14, semi=0.24)``.
        reset_interval: Number of iterations of ``semi`` after which the teacher overwrites the student, again and
            again, as the public code does after each epoch (266 iterations); never if not given.

    Raises:
        ValueError: If no stage starts at 0, two start together, or the interval is not possible.
    """

    def __init__(self, starts: Dict[str, Moment], reset_interval: Optional[int] = None) -> None:
        super().__init__(starts)
        if reset_interval is not None and reset_interval < 1:
            raise ValueError(
                f'ELNStageHook: reset_interval is a number of iterations, at least 1, got {reset_interval}.'
            )
        self.reset_interval = reset_interval

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Enter the stage of this iteration."""
        super().before_train_iter(runner, batch_idx, data_batch)
        if self.model.stage != 'semi':
            return
        start = self.starts['semi']
        since = runner.iter - start
        if since == 0 and start > 0:
            self.model.teacher.start(self.model.student)
        elif since > 0 and self.reset_interval and since % self.reset_interval == 0:
            self.model.student.load_state_dict(self.model.teacher.network.state_dict())
