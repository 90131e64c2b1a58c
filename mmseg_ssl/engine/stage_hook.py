"""Schedule of a method's stages."""

from typing import Any, Dict

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from .bare_model import bare_model
from .kept_moments import kept_iterations
from .run_length import Moment, check_moment, one_warnings


@HOOKS.register_module()
class StageHook(Hook):
    """Sets ``model.stage`` as a function of the iteration, so a resumed run is in the right stage.

    Args:
        starts: First iteration of each stage by name; the first one starts at 0. An ``int`` is an iteration, a
            ``float`` a share of the run's length: ``dict(pretrain=0, full=0.5)``. A stage that starts with a later
            one, in a very short run, is skipped. A run that is resumed with another length keeps its iterations.

    Raises:
        ValueError: If no stage starts at 0, or two are given one start.
    """

    priority = 'HIGH'  # before other hooks that act on the stage

    def __init__(self, starts: Dict[str, Moment]) -> None:
        for name, start in starts.items():
            check_moment(start, f'{type(self).__name__}: the start of {name}')
        first = [*starts.values()]
        if 0 not in first or len(set(first)) != len(first):
            raise ValueError(
                f'{type(self).__name__}: starts gives each stage its own first iteration, one of them 0; '
                f'got {dict(starts)}.'
            )
        self.given = dict(sorted(starts.items(), key=lambda item: item[1]))
        self.starts: Dict[str, int] = {}

    def before_train(self, runner: Runner) -> None:
        """Check that the model has the stages, and find their iterations in this run."""
        model: Any = bare_model(runner)
        known = getattr(model, 'stages', ())
        unknown = [name for name in self.given if name not in known]
        if unknown:
            raise ValueError(
                f'{type(self).__name__}: {type(model).__name__} has the stages {tuple(known)}, not {unknown}. '
                'Correct custom_hooks.starts, or take a model type that has them.'
            )
        self.model = model
        starts = kept_iterations(runner, 'stage_starts', self.given)
        self.starts = dict(sorted(starts.items(), key=lambda item: item[1]))
        order = [starts[name] for name in known if name in starts]
        if order != sorted(order):
            raise ValueError(
                f'{type(self).__name__}: the stages of {type(model).__name__} are {", ".join(known)}, in this order, '
                f'and would start at the iterations {self.starts}. Give all starts as shares of the run, or all as '
                'iterations.'
            )
        for name, start in self.given.items():
            if isinstance(start, int) and start >= runner.max_iters:
                runner.logger.warning(
                    f'{type(self).__name__}: stage "{name}" would start at iteration {start}, and the run ends at '
                    f'{runner.max_iters}: it never comes. Give starts as shares of the run, e.g. {name}=0.5.'
                )
            for text in one_warnings(start, f'{type(self).__name__}: {name}'):
                runner.logger.warning(text)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Enter the stage of this iteration."""
        stage, start = [item for item in self.starts.items() if item[1] <= runner.iter][-1]
        if stage != self.model.stage:
            runner.logger.info(f'Stage "{stage}" from iteration {start}.')
        self.model.stage = stage
