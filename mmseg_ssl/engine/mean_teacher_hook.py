"""Update of the teacher after each optimizer step."""

from functools import wraps
from typing import Any, Optional

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ..errors import UserError
from ..models.branch import Branch
from ..models.ema_teacher import EMATeacher
from ..models.frozen_teacher import FrozenTeacher
from ..utils.choices import share_of_new
from .bare_model import bare_model, optim_wrappers


@HOOKS.register_module()
class MeanTeacherHook(Hook):
    r"""Updates ``model.teacher`` from ``model.student`` after each optimizer step.

    It counts optimizer steps, not iterations: under gradient accumulation, and where a loss scaler skips a step, the
    teacher waits. The count lives in the teacher, so it survives a checkpoint. A trained network as the teacher
    (:class:`FrozenTeacher`) is left alone.

    Args:
        momentum: Share of NEW weights, as in mmengine; 0.001 is the literature's decay 0.999.
        warmup: Use the momentum :math:`\max(1 / (t + 1), m)` at update ``t`` (the decay
            :math:`\min(1 - 1 / (t + 1), d)`), so that an early teacher is the mean of all students so far.

    Raises:
        ValueError: If the momentum is not possible, or looks like a decay: at least 0.9, but 1, which copies.
    """

    priority = 'NORMAL'

    def __init__(self, momentum: float = 0.001, warmup: bool = True) -> None:
        self.momentum, self.warmup = share_of_new('MeanTeacherHook', momentum), warmup
        self.stepped = False
        # the teacher's numbers, kept here: to read its buffer would wait for the device in every step
        self.updates = self.known_starts = 0

    def before_train(self, runner: Runner) -> None:
        """Copy the student into the teacher unless a checkpoint restored one, and watch the optimizer's steps."""
        model = bare_model(runner)
        teacher, student = getattr(model, 'teacher', None), getattr(model, 'student', None)
        if teacher is None or student is None:
            raise UserError(  # not a TypeError, to which the host adds the hook's address
                f'MeanTeacherHook needs a model with a student and a teacher, got {type(model).__name__}. '
                'Remove the hook from custom_hooks.'
            )
        if isinstance(teacher, FrozenTeacher):
            runner.logger.info('MeanTeacherHook has nothing to do: the teacher is a trained network, which stays.')
            return
        self.teacher: EMATeacher = teacher
        self.student: Branch = student
        if not self.teacher.started:
            if teacher.lacks:
                runner.logger.warning(
                    f'the checkpoint lacks weights of the teacher, such as {teacher.lacks}: it starts anew, as a copy '
                    'of the student.'
                )
            self.teacher.start(self.student)
        self._count()
        optimizers = [wrapper.optimizer for wrapper in optim_wrappers(runner)]
        followed = {id(parameter) for parameter in self.student.parameters()}
        moving = [one for one in optimizers if any(followed & set(map(id, g['params'])) for g in one.param_groups)]
        for optimizer in moving or optimizers:  # a wrapper of the model may have given them tensors of its own
            self._watch(optimizer)

    def _count(self) -> None:
        """Read the number of updates, which is 0 again after the teacher was started anew."""
        self.updates, self.known_starts = int(self.teacher.updates), self.teacher.starts

    def _watch(self, optimizer: Any) -> None:
        """Notice the steps of an optimizer: only it knows of them, for accumulation and loss scalers skip the call."""
        step = optimizer.step

        @wraps(step)  # loss scalers read its signature
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.stepped = True
            return step(*args, **kwargs)

        # not register_step_post_hook, which torch 2.1 forgets once anything was compiled
        optimizer.step = watched

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Update the teacher if the optimizer stepped."""
        if not self.stepped:
            return
        self.stepped = False
        if self.known_starts != self.teacher.starts:
            self._count()
        momentum = max(1 / (self.updates + 1), self.momentum) if self.warmup else self.momentum
        self.teacher.update(self.student, momentum)
        self.updates += 1
