"""Mixed precision without a loss scaler, on CPU and GPU."""

from contextlib import contextmanager
from typing import Any, Iterator

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """Runs the forward pass under bfloat16 autocast; weights and optimizer stay fp32.

    mmengine's ``AmpOptimWrapper`` refuses to run on a CPU, and bfloat16 needs no loss scaler. Losses, softmax and
    entropies run in fp32 all the same, because a branch returns fp32 logits.

    Args:
        emulated: Whether to keep to bfloat16 on a CPU that has no instructions for it. There a step takes 10 times as
            long (measured on AVX2: DeepLabV3+ on MobileNetV2, 144 x 144), so by default it runs in fp32, and the log
            says so.
        **kwargs: ``OptimWrapper``'s arguments.
    """

    def __init__(self, *, emulated: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        device = self.optimizer.param_groups[0]['params'][0].device
        self.enabled = emulated or device.type != 'cpu' or cpu_computes_bf16()
        if not self.enabled:
            print_log('This CPU has no bfloat16, which it could only emulate slowly: fp32 in its place.', 'current')

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, within the host's gradient-accumulation context."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16, enabled=self.enabled):
            yield


def cpu_computes_bf16() -> bool:
    """Whether torch has fast bfloat16 convolutions for this CPU: the question by which it chooses its kernels."""
    if not torch.backends.mkldnn.is_available():
        return False
    # private, but there is no public one, and torch itself asks it in every convolution
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
