"""Gradients in the middle of an accumulation, which a checkpoint needs so that the run continues exactly."""

from typing import Any, Dict

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from .bare_model import bare_model
from .sharded_model import divided


def collect_partial_gradients(runner: Any) -> Dict[str, Tensor]:
    """Copy the gradients that wait for the optimizer step.

    With ``accumulative_counts=n`` the optimizer steps every n iterations. A checkpoint in between would lose the
    gradients of up to n - 1 iterations on resume (mmengine warns of this). Ranks save the mean of their gradients,
    which is what the step would use; every rank continues from this mean. All ranks must call this function.

    Args:
        runner: The runner, right after a training iteration.

    Returns:
        Parameter name -> gradient on the CPU; empty if no gradients wait, as always without accumulation, and of
        several optimizers, of which the host does not count the iterations: a resumed run begins to accumulate anew.
    """
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict) or not isinstance(wrapper, OptimWrapper) or wrapper.should_update():
        return {}
    gradients = {}
    for name, parameter in bare_model(runner).named_parameters():
        if parameter.grad is not None:
            gradient: Any = parameter.grad.detach().clone()
            if hasattr(gradient, 'full_tensor'):  # divided over the processes, of which it is the mean already
                gradient = gradient.full_tensor()
            elif get_world_size() > 1:
                all_reduce(gradient, op='mean')
            gradients[name] = gradient.cpu()
    return gradients


def restore_partial_gradients(runner: Any, gradients: Dict[str, Tensor]) -> None:
    """Restore the gradients of an interrupted accumulation.

    Args:
        runner: The runner, before its first training iteration.
        gradients: From :func:`collect_partial_gradients`.
    """
    parameters = dict(bare_model(runner).named_parameters())
    for name, gradient in gradients.items():
        parameter = parameters[name]
        parameter.grad = divided(torch.as_tensor(gradient).to(parameter.dtype), parameter)
