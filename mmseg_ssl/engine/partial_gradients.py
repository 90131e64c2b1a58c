"""Gradients in the middle of an accumulation, which a checkpoint needs so that the run continues exactly."""

from typing import Any, Dict

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from .bare_model import bare_model
from .sharded_model import divided

COUNTS = 'accumulated'
"""Where the message hub, and so the checkpoint, remembers how far each of several optimizers has accumulated."""


def collect_partial_gradients(runner: Any) -> Dict[str, Tensor]:
    """Copy the gradients that wait for the optimizer step.

    With ``accumulative_counts=n`` the optimizer steps every n iterations. A checkpoint in between would lose the
    gradients of up to n - 1 iterations on resume (mmengine warns of this). Ranks save the mean of their gradients,
    which is what the step would use; every rank continues from this mean. All ranks must call this function.

    Args:
        runner: The runner, right after a training iteration.

    Returns:
        Parameter name -> gradient on the CPU; empty if no gradients wait, as always without accumulation.
    """
    wrapper = runner.optim_wrapper
    several = isinstance(wrapper, OptimWrapperDict)
    each = wrapper.optim_wrappers if several else {'': wrapper} if isinstance(wrapper, OptimWrapper) else {}
    waiting = {name: one.inner_count for name, one in each.items() if not one.should_update()}
    if not waiting:
        return {}
    if several:  # of a single one, the host counts by the iteration
        runner.message_hub.update_info(COUNTS, waiting)
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
        gradients: From :func:`collect_partial_gradients`; how far several optimizers were is in the message hub.
    """
    if isinstance(runner.optim_wrapper, OptimWrapperDict):
        for name, count in runner.message_hub.get_info(COUNTS, {}).items():
            runner.optim_wrapper[name]._inner_count = count  # the host's setter would also forget the last iteration
    parameters = dict(bare_model(runner).named_parameters())
    for name, gradient in gradients.items():
        parameter = parameters[name]
        parameter.grad = divided(torch.as_tensor(gradient).to(parameter.dtype), parameter)
