"""One line for each validation on the console; the table of all classes is in the log file."""

import math
import re
from typing import Any, Dict, Optional

from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from .quiet_console import ConsoleFilter, console_handlers
from .run_length import counts_epochs

BY_CLASS = re.compile(r'((?P<network>[^./]+)/)?IoU\.(?P<label>.+)')
"""Name of the IoU of a class; those of several networks have the network's name alone."""


@HOOKS.register_module()
class ValidationLineHook(Hook):
    """Logs each validation in one line: mIoU, best and worst class, mIoU of the other networks, other metrics.

    On a quiet console the line takes the place of the host's tables and lines of the validation.
    """

    priority = 'VERY_LOW'  # after the host's lines, and before the progress bar

    def before_train(self, runner: Any) -> None:
        """Leave the host's lines to the file."""
        for handler in console_handlers(runner.logger):
            for shown in handler.filters:
                if isinstance(shown, ConsoleFilter):
                    shown.tables = shown.validations = False

    def after_val_epoch(self, runner: Any, metrics: Optional[Dict[str, float]] = None) -> None:
        """Log the line; the first process does it for all."""
        if metrics and runner.rank == 0:
            epochs = counts_epochs(runner)
            done, length = (runner.epoch, runner.max_epochs) if epochs else (runner.iter, runner.max_iters)
            unit = ' epochs' if epochs else ''
            runner.logger.info(f'Validation at {done} of {length}{unit}: {describe_scores(metrics)}')


def describe_scores(metrics: Dict[str, Any]) -> str:
    """Put the metrics of a validation into one line, without accuracies and without the classes in between.

    Args:
        metrics: By name, IoUs in percent; those of several networks have the network's name in front. The classes are
            those of the first one.

    Example:
        >>> describe_scores({'mIoU': 40.0, 'a/mIoU': 40.0, 'a/IoU.sky': 70.0, 'a/IoU.car': 10.0, 'b/mIoU': 45.0})
        'mIoU 40 (best sky 70, worst car 10), a/mIoU 40, b/mIoU 45'
    """
    by_class = [BY_CLASS.match(name) for name in metrics]
    network = next((found['network'] for found in by_class if found), None)
    scores = {found['label']: metrics[found[0]] for found in by_class if found and found['network'] == network}
    said = {
        name: _text(value)
        for name, value in metrics.items()
        if name.partition('.')[2] not in scores and name.rpartition('/')[2] not in ('aAcc', 'mAcc')
    }
    there = sorted((name for name in scores if not math.isnan(scores[name])), key=lambda name: scores[name])
    if 'mIoU' in said and len(there) > 1:
        best, worst = (f'{name} {_text(scores[name])}' for name in (there[-1], there[0]))
        said = {'mIoU': f'{said.pop("mIoU")} (best {best}, worst {worst})', **said}
    return ', '.join(f'{name} {value}' for name, value in said.items())


def _text(value: Any) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)
