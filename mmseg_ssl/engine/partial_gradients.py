"""Gradients in the middle of an accumulation, which a checkpoint must hold for the run to go on exactly."""

from typing import Any, Dict

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper
from torch import Tensor

from .bare_model import bare_model


def collect_partial_gradients(runner: Any) -> Dict[str, Tensor]:
    """Copy the gradients that wait for the optimizer step.

    With ``accumulative_counts=n`` the optimizer steps every n iterations. A checkpoint in between would lose up to n
    - 1 iterations' gradients on resume (mmengine warns so). Across ranks their mean is taken, which is what the step
    would use: every rank goes on from the same mean. All ranks must call this.

    Args:
        runner: The runner, right after a training iteration.

    Returns:
        Parameter name -> gradient on the CPU; empty if nothing is pending, as always without accumulation.
    """
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper) or wrapper.should_update():
        return {}
    gradients = {}
    for name, parameter in bare_model(runner).named_parameters():
        if parameter.grad is not None:
            gradient = parameter.grad.detach().clone()
            if get_world_size() > 1:
                all_reduce(gradient, op='mean')
            gradients[name] = gradient.cpu()
    return gradients


def restore_partial_gradients(runner: Any, gradients: Dict[str, Tensor]) -> None:
    """Put gradients back where the interrupted accumulation had them.

    Args:
        runner: The runner, before its first training iteration.
        gradients: What :func:`collect_partial_gradients` returned.
    """
    parameters = dict(bare_model(runner).named_parameters())
    for name, gradient in gradients.items():
        parameter = parameters[name]
        parameter.grad = torch.as_tensor(gradient).to(parameter)
