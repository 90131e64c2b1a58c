"""When ELN goes from one phase to the next."""

from typing import Any, Dict, Optional

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from .bare_model import bare_model


@HOOKS.register_module()
class ELNStageHook(Hook):
    """Sets ``model.stage`` by the iteration, so a resumed run is in the stage it was in.

    When the stage ``semi`` begins after others, the teacher begins as a copy of the student. Use it with
    ``MeanTeacherHook(warmup=False)``.

    Args:
        starts: First iteration of each stage by name, e.g. ``dict(pretrain=0, warmup=18620, semi=31920)``; the first
            one starts at 0.
        reset_interval: The student is overwritten by the teacher every so many iterations of ``semi``, as the public
            code does each epoch (of 266); never if not given.

    Raises:
        ValueError: If no stage starts at 0, or two start together.
    """

    priority = 'HIGH'  # before the step that it is for

    def __init__(self, starts: Dict[str, int], reset_interval: Optional[int] = None) -> None:
        first = sorted(starts.values())
        if not first or first[0] != 0 or len(set(first)) != len(first):
            raise ValueError(
                f'ELNStageHook: starts gives each stage its own first iteration, one of them 0; got {dict(starts)}.'
            )
        if reset_interval is not None and reset_interval < 1:
            raise ValueError(
                f'ELNStageHook: reset_interval is a number of iterations, at least 1, got {reset_interval}.'
            )
        self.starts = dict(sorted(starts.items(), key=lambda item: item[1]))
        self.reset_interval = reset_interval

    def before_train(self, runner: Runner) -> None:
        """Check that the model has the stages."""
        model = bare_model(runner)
        known = getattr(model, 'stages', ())
        unknown = [name for name in self.starts if name not in known]
        if unknown:
            raise ValueError(
                f'ELNStageHook: {type(model).__name__} has the stages {tuple(known)}, not {unknown}. '
                'Correct custom_hooks.starts, or take model type ELN for the stage "semi".'
            )
        self.model = model

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Enter the stage of this iteration."""
        stage, start = [item for item in self.starts.items() if item[1] <= runner.iter][-1]
        if stage != self.model.stage:
            runner.logger.info(f'Stage "{stage}" from iteration {start}.')
        self.model.stage = stage
        if stage != 'semi':
            return
        since = runner.iter - start
        if since == 0 and start > 0:
            self.model.teacher.start(self.model.student)
        elif since > 0 and self.reset_interval and since % self.reset_interval == 0:
            self.model.student.load_state_dict(self.model.teacher.network.state_dict())
