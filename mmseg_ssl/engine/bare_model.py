"""Access to what is behind wrappers: the model, and the optimizers."""

from typing import Any, List

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from torch import nn


def bare_model(runner: Any) -> nn.Module:
    """Return the runner's model itself, not the distributed wrapper around it.

    Args:
        runner: The runner.
    """
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def optim_wrappers(runner: Any) -> List[Any]:
    """Return the runner's optimizer wrappers, each of one optimizer.

    Args:
        runner: The runner.
    """
    wrapper = runner.optim_wrapper
    return list(wrapper.values()) if isinstance(wrapper, OptimWrapperDict) else [wrapper]
