"""Optimizers with few parameter groups, and old checkpoints that have one group per parameter."""

import inspect
import logging
from typing import Any, Dict, List, Sequence, Tuple

from mmengine.logging import MMLogger
from mmengine.optim import AmpOptimWrapper, DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIMIZERS
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS
from torch import nn

from .bare_model import bare_model

HOW = ('foreach', 'fused')
"""Settings of a group that say how it is computed, not what: they are the running machine's, not the checkpoint's."""


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Builds what mmengine's constructor builds, with one group for all parameters of equal settings.

    With a ``paramwise_cfg``, mmengine makes a group of every single parameter, so that an optimizer works on one tensor
    at a time. Rates, decays and schedules are the same here: settings differ between groups only. Optimizers of torch
    that have one take their fused kernel (``fused=True``), unless the config sets ``fused`` or ``foreach``, the device
    has none, or a loss scaler decides about steps (``AmpOptimWrapper``), which it does inside of a fused kernel,
    unseen by the teacher's hook. Arguments are the host's.
    """

    optimizer_cfg: Dict[str, Any]

    def add_params(self, params: List[dict], module: nn.Module, prefix: str = '', **kwargs: Any) -> None:
        """Add the groups of a module as the host does, and merge them when all are there.

        Args:
            params: Groups so far, changed in place.
            module: The module.
            prefix: Its name; empty for the whole model.
            **kwargs: The host's.
        """
        if prefix:
            super().add_params(params, module, prefix=prefix, **kwargs)
            return
        logger = MMLogger.get_current_instance()
        level = logger.level
        logger.setLevel(logging.ERROR)  # the host says the settings of every parameter, and that a teacher has none
        try:
            super().add_params(params, module, **kwargs)
        finally:
            logger.setLevel(level)
        params[:] = merge_equal(params)
        for group in params:
            settings = ', '.join(f'{key} {value}' for key, value in group.items() if key != 'params')
            logger.info(f'{len(group["params"])} parameters: {settings or "the settings of the optimizer"}')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer and its wrapper.

        Args:
            model: The model, or a distributed wrapper around it.
        """
        options = self.optimizer_cfg
        try:
            self.optimizer_cfg = dict(options, fused=True) if self._has_fused_kernel() else options
            return super().__call__(model)
        except RuntimeError:
            if self.optimizer_cfg is options:
                raise
            self.optimizer_cfg = options  # torch has no kernel for this device, which it tells when it is built
            return super().__call__(model)

    def _has_fused_kernel(self) -> bool:
        """Tell if the optimizer takes ``fused``, and the config leaves it open how to compute."""
        kind, wrapper = self.optimizer_cfg['type'], self.optim_wrapper_cfg.get('type', 'OptimWrapper')
        kind = OPTIMIZERS.get(kind) if isinstance(kind, str) else kind
        wrapper = OPTIM_WRAPPERS.get(wrapper) if isinstance(wrapper, str) else wrapper
        if issubclass(wrapper, AmpOptimWrapper) or any(self.optimizer_cfg.get(name) is not None for name in HOW):
            return False
        return 'fused' in inspect.signature(kind).parameters


def merge_equal(groups: Sequence[dict]) -> List[dict]:
    """Merge parameter groups of equal settings, in the order of their first parameters."""
    merged: List[Tuple[dict, list]] = []
    for group in groups:
        settings = {key: value for key, value in group.items() if key != 'params'}
        same = [params for known, params in merged if known == settings]
        if not same:
            merged.append((settings, []))
        (same or [merged[-1][1]])[0].extend(group['params'])
    return [dict(settings, params=params) for settings, params in merged]


def fit_parameter_groups(runner: Any, checkpoint: Dict[str, Any]) -> None:
    """Give a checkpoint with one group per parameter the groups of the optimizer that is about to load it.

    Args:
        runner: The runner, with its optimizer.
        checkpoint: The loaded checkpoint; its ``optimizer`` and ``param_schedulers`` are changed in place. Those of
            other groups, and groups whose settings differ, stay as they are: torch refuses what does not fit.
    """
    wrapper, saved = runner.optim_wrapper, checkpoint.get('optimizer', {})
    if not isinstance(wrapper, OptimWrapper) or 'param_groups' not in saved:
        return
    places, old = _places(runner), saved['param_groups']
    single = all(len(group['params']) == 1 for group in old) and len(old) == sum(map(len, places))
    if single and len(old) != len(places) and all(_equal([old[place] for place in group]) for group in places):
        order = [place for group in places for place in group]
        state = {new: saved['state'][place] for new, place in enumerate(order) if place in saved['state']}
        groups, start = [], 0
        for group in places:
            groups.append(dict(old[group[0]], params=list(range(start, start + len(group)))))
            start += len(group)
        saved.update(state=state, param_groups=groups)
        firsts = [group[0] for group in places]
        for schedule in checkpoint.get('param_schedulers') or []:
            for name in ('base_values', '_last_value'):  # of the groups, and of the base, which mmengine keeps beside
                values = schedule[name]
                schedule[name] = [values[place] for place in firsts] + values[len(old) :]
    for group, now in zip(saved['param_groups'], wrapper.optimizer.param_groups):
        group.update({name: now[name] for name in HOW if name in now})


def _places(runner: Any) -> List[List[int]]:
    """List the numbers of the parameters of each group, in the order in which mmengine makes one group of each."""
    trained = [parameter for parameter in bare_model(runner).parameters() if parameter.requires_grad]
    numbers = {id(parameter): number for number, parameter in enumerate(trained)}
    groups = runner.optim_wrapper.optimizer.param_groups
    return [[numbers[id(parameter)] for parameter in group['params'] if id(parameter) in numbers] for group in groups]


def _equal(groups: Sequence[dict]) -> bool:
    return len(merge_equal(groups)) == 1
