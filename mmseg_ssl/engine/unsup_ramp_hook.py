"""When the unlabeled images begin to count."""

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from .bare_model import bare_model

SHAPES = ('linear', 'sigmoid')


@HOOKS.register_module()
class UnsupRampHook(Hook):
    r"""Ramps what is taught on unlabeled images up from 0, for schedules too short to forget early mistakes.

    Sets ``model.unsup_scale``, which every method multiplies its unlabeled terms by. With
    :math:`x = \mathrm{clip}((t - begin) / (end - begin), 0, 1)` at iteration :math:`t` it is :math:`x` (``linear``) or
    :math:`e^{-5 (1 - x)^2}` (``sigmoid``, Laine & Aila 2017; 0 before ``begin``). A function of the iteration alone, so
    a resumed run goes on exactly.

    Args:
        begin: First iteration that counts.
        end: Iteration from which on the terms count in full, above ``begin``.
        shape: ``'linear'`` or ``'sigmoid'``.

    Raises:
        ValueError: If the range or the shape is not possible.
    """

    def __init__(self, begin: int, end: int, shape: str = 'linear') -> None:
        if not 0 <= begin < end or shape not in SHAPES:
            raise ValueError(f'UnsupRampHook needs 0 <= begin < end and shape in {SHAPES}, got {begin, end, shape}.')
        self.begin, self.end, self.shape = begin, end, shape

    def scale(self, iteration: int) -> float:
        """Factor of the unlabeled terms at an iteration, in ``[0, 1]``."""
        progress = min(max((iteration - self.begin) / (self.end - self.begin), 0.0), 1.0)
        if self.shape == 'linear' or progress == 0:
            return progress
        return math.exp(-5 * (1 - progress) ** 2)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the factor for the step that follows."""
        model = bare_model(runner)
        scale = getattr(model, 'unsup_scale', None)
        if scale is None:
            raise TypeError(f'UnsupRampHook needs one of the methods of mmseg_ssl, got {type(model).__name__}.')
        scale.fill_(self.scale(runner.iter))
