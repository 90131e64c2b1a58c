"""Mixed precision without a loss scaler, on CPU and GPU."""

from contextlib import contextmanager
from typing import Iterator

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """Runs the forward pass under bfloat16 autocast; weights and optimizer stay fp32.

    mmengine's ``AmpOptimWrapper`` refuses to run on a CPU, and bfloat16 needs no loss scaler. Losses, softmax and
    entropies run in fp32 all the same, because a branch returns fp32 logits. Arguments are ``OptimWrapper``'s.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, within the host's gradient-accumulation context."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
