"""Access to the model behind a distributed wrapper."""

from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn


def bare_model(runner: Any) -> nn.Module:
    """Return the runner's model itself, not the distributed wrapper around it.

    Args:
        runner: The runner.
    """
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
