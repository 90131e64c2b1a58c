"""A first part of the run on labeled images alone."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ..models.ema_teacher import EMATeacher
from .bare_model import bare_model
from .kept_moments import kept_iterations
from .run_length import Moment, check_moment, one_warnings


@HOOKS.register_module()
class SupervisedStartHook(Hook):
    """Trains every network on labeled images alone for a first part of the run, in calls of their own.

    What a network says of an image that nobody labeled is then worth learning from the first step on, and unlabeled
    images share no BatchNorm statistics before. A teacher that is an average becomes a copy of the student where the
    part ends, as ``load_from`` a supervised checkpoint would make it; the learning rate may begin again there
    (:class:`~mmseg_ssl.engine.RestartedPolyLR`). A ramp (``UnsupRampHook``) counts from the beginning of the run, so it
    begins behind ``end``. It depends only on the iteration, so a resumed run continues exactly.

    Args:
        end: End of the part: an ``int`` is an iteration, a ``float`` a share of the run's length (``0.5``).

    Raises:
        ValueError: If it is not possible.
    """

    priority = 'HIGH'  # before MeanTeacherHook and what looks at the step

    def __init__(self, end: Moment) -> None:
        self.given = check_moment(end, 'SupervisedStartHook: end')
        self.end = 0

    def before_train(self, runner: Runner) -> None:
        """Turn a share into iterations of this run.

        Raises:
            ValueError: Unlabeled images would never count.
        """
        model: Any = bare_model(runner)
        if not hasattr(model, 'labeled_alone') or model.stages:
            raise ValueError(
                'SupervisedStartHook needs a method of mmseg_ssl without stages of its own, got '
                f'{type(model).__name__}. Remove it from custom_hooks; StageHook sets stages.'
            )
        branches = tuple(f'{name}.' for name in model.trained())
        others = [
            key for key, value in model.named_parameters() if value.requires_grad and not key.startswith(branches)
        ]
        if others:
            raise ValueError(
                f'SupervisedStartHook: {type(model).__name__} trains more than its networks, such as {others[0]}, '
                'which would learn nothing for so long. Remove the hook from custom_hooks.'
            )
        (self.end,) = kept_iterations(runner, 'supervised_start', dict(end=self.given)).values()
        if self.end >= runner.max_iters:
            raise ValueError(
                f'SupervisedStartHook: end={self.given}, and the run ends at iteration {runner.max_iters}: unlabeled '
                'images would never count. Give a share of its length, e.g. end=0.5.'
            )
        for text in one_warnings(self.given, 'SupervisedStartHook: end'):
            runner.logger.warning(text)
        self.model = model
        runner.logger.info(f'Labeled images alone teach until iteration {self.end}.')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Say what this iteration learns from."""
        self.model.labeled_alone = runner.iter < self.end
        teacher = getattr(self.model, 'teacher', None)
        if runner.iter == self.end > 0 and isinstance(teacher, EMATeacher):
            teacher.start(self.model.student)
