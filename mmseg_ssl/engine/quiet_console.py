"""A console that says what matters: the host's long texts go to the log file alone."""

import logging
import re
import sys
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from ..compat.quiet_host import ignore_useless_warnings
from .scoring_runner import KeepConfig

LONG = re.compile(
    r'\s*(-{20,}\s*System environment:|Config:\n|Hooks will be executed in|paramwise_options -- |[\w.]+ - torch\.Size|'
    r'Distributed training is not used, all SyncBatchNorm|Checkpoints will be saved to |Exp name: |Data looked at: |'
    r'\d+ labeled of \d+ \(|(val|test): \d+ images, 0 of them labeled)'
)
"""Beginnings of texts of the host that are long, and of what the summary of the start says in fewer words."""
USELESS = re.compile(
    r'The prefix is not set in metric class|"FileClient" will be deprecated|"HardDiskBackend" is the alias|'
    r'The `scale_factor` will be ignored|^teacher\.\S+ is skipped since its requires_grad=False'
)
"""Warnings of the host about itself, which a user can do nothing about."""
TABLE = re.compile(r'per class results:|\s*\+-+\+|Network "[^"]*":$')
TRAINING_LINE = re.compile(r'(Iter|Epoch)\(train\)')
VALIDATION_LINE = re.compile(
    r'(Iter|Epoch)\(val\)|(Expected|Class-wise) calibration error: |Brier score: |Boundary IoU[^:]*: '
)


class ConsoleFilter(logging.Filter):
    """Keeps long and useless texts of the host off a console; what is not known stays.

    Args:
        tables: Show the host's tables of classes.

    Attributes:
        progress: A progress bar is shown, which takes the place of the lines of training losses.
        validations: Show the lines of the host and of each metric about a validation.
    """

    progress = False
    validations = True

    def __init__(self, tables: bool = True) -> None:
        super().__init__()
        self.tables = tables

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell if a record is shown."""
        text = record.getMessage()
        if record.levelno > logging.WARNING:
            return True
        if record.levelno == logging.WARNING:
            return not USELESS.search(text)
        if TABLE.match(text) and not self.tables:
            return False
        if VALIDATION_LINE.match(text) and not self.validations:
            return False
        return not LONG.match(text) and not (self.progress and TRAINING_LINE.match(text))


class QuietConsole:
    """Mixed into a ``Runner``: its log file is as always, its console is quiet."""

    tables = True

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger of the run, with a :class:`ConsoleFilter` on the console."""
        logger: MMLogger = super().build_logger(*args, **kwargs)  # type: ignore[misc]  # Runner has it
        for handler in console_handlers(logger):
            handler.addFilter(ConsoleFilter(self.tables))
        return logger


def console_handlers(logger: logging.Logger) -> list:
    """Return the handlers of a logger that write to the console."""
    return [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]


def console_is_terminal() -> bool:
    """Return True if somebody reads along, rather than a file or a log collector."""
    return sys.stdout.isatty()


def build_runner(cfg: Any, verbose: bool = False, tables: bool = True, scores: bool = False) -> Runner:
    """Build the runner of a config, of the class ``runner_type`` names or the host's.

    Args:
        cfg: A whole config.
        verbose: Show everything on the console, too: environment, config, hooks, options of every parameter.
        tables: As for :class:`ConsoleFilter`.
        scores: It only scores: see :class:`~mmseg_ssl.engine.scoring_runner.KeepConfig`.

    Returns:
        The runner.
    """
    kind = RUNNERS.get(cfg['runner_type']) if 'runner_type' in cfg else Runner
    if scores:
        kind = type(kind.__name__, (KeepConfig, kind), {})
    if not verbose:
        ignore_useless_warnings()
        kind = type(kind.__name__, (QuietConsole, kind), dict(tables=tables))
    return kind.from_cfg(cfg)
