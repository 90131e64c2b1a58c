"""Looks at a run before its first step."""

from typing import Any

from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from ..errors import UserError
from ..models.scribble_labels import GraphCutLabeling, SelfLabeling
from .bare_model import bare_model
from .paramwise_rules import paramwise_problems, paramwise_warnings
from .resumed_settings import fit_settings, note_settings
from .run_rules import (
    changed_lines,
    checkpoint_problems,
    checkpoint_warnings,
    hook_problems,
    hook_warnings,
    loop_problems,
    metric_warnings,
    mixing_warnings,
    schedule_warnings,
    view_warnings,
)

LABELINGS = (GraphCutLabeling, SelfLabeling)
SHOWN = 6
"""Number of changed settings that are written out."""


@HOOKS.register_module()
class CheckRunHook(Hook):
    """Refuses a run with settings that would have no effect, and warns of those that are probably not meant.

    Two hooks where one is meant; a teacher that nothing updates; misspelled keys of ``paramwise_cfg``; a schedule that
    is longer than the run; a resumed run of another method; views that nobody reads; epochs that never end; a package
    that labels need. It looks once, before the first step; see :mod:`mmseg_ssl.engine.run_rules`.
    """

    priority = 'VERY_HIGH'  # nothing is trained or written yet

    def after_load_checkpoint(self, runner: Any, checkpoint: Any) -> None:
        """Say which settings a resumed run has otherwise than its checkpoint, and let those of the optimizer count."""
        if runner._resume and isinstance(checkpoint, dict):
            fit_settings(runner, checkpoint)
        text = (checkpoint.get('meta') or {}).get('cfg') if isinstance(checkpoint, dict) else None
        if runner._resume and isinstance(text, str) and runner.rank == 0:
            changed = changed_lines(text, runner.cfg.pretty_text)
            if changed:
                more = ' and more' if len(changed) > SHOWN else ''
                runner.logger.warning(
                    f'the config differs from that of the checkpoint in: {", ".join(changed[:SHOWN])}{more}. From here '
                    'on it counts.'
                )

    def before_train(self, runner: Any) -> None:
        """Look at hooks, optimizer and schedules.

        Args:
            runner: The runner, all of whose parts are built.

        Raises:
            UserError: Lists what has no effect, with the fix.
        """
        model, hooks = bare_model(runner), runner.hooks
        optim = runner.cfg.get('optim_wrapper')
        optim = optim if isinstance(optim, dict) else {}  # a wrapper that was built by hand
        paramwise, constructor = optim.get('paramwise_cfg') or {}, str(optim.get('constructor', ''))
        before = runner.message_hub.get_info('method', '') if runner.iter else ''
        if before and before != type(model).__name__:
            raise UserError(
                f'the checkpoint is of a run of {before}, and the config is of {type(model).__name__}: one run has '
                'one method. Start another run, in a folder of its own, with load_from=<checkpoint>.'
            )
        runner.message_hub.update_info('method', type(model).__name__)  # a checkpoint remembers it
        note_settings(runner)
        problems = [
            *hook_problems(hooks, model),
            # now, not when the stage begins that needs it
            *filter(None, (part.missing_package() for part in model.modules() if isinstance(part, LABELINGS))),
            *checkpoint_problems(hooks),
            *loop_problems(runner.train_loop),
            *paramwise_problems(paramwise, constructor, model),
        ]
        if problems:
            raise UserError('\n'.join(problems))
        metrics = runner.val_loop.evaluator.metrics if runner.val_loop is not None else []
        if runner.rank == 0:
            for text in (
                *hook_warnings(hooks, model, fresh=not runner._load_from and not runner.iter),
                *view_warnings(model),
                *mixing_warnings(model, runner.train_loop),
                *metric_warnings(metrics, model),
                *checkpoint_warnings(hooks, runner.train_loop),
                *schedule_warnings(runner.param_schedulers, runner.train_loop),
                *paramwise_warnings(paramwise, model),
            ):
                runner.logger.warning(text)
