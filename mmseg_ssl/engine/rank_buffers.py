"""Buffers that differ between processes, such as the running statistics of plain BatchNorm."""

from typing import Any, Dict

import torch
from mmengine.dist import all_gather, broadcast, get_rank, get_world_size
from torch import Tensor

from .bare_model import bare_model


def collect_rank_buffers(runner: Any) -> Dict[str, Tensor]:
    """Gather the buffers that differ between processes; all processes must call this function.

    mmengine does not synchronize buffers between processes and only saves those of the first one. The others are
    needed to continue exactly, e.g. for an EMA teacher in eval mode.

    Args:
        runner: The runner.

    Returns:
        Name -> buffers of all processes, stacked, on the CPU; empty for one process.
    """
    if get_world_size() == 1:
        return {}
    gathered = {name: torch.stack(all_gather(_sendable(buffer))) for name, buffer in _buffers(runner).items()}
    return {name: stack.cpu() for name, stack in gathered.items() if not (stack == stack[:1]).all()}


def restore_rank_buffers(runner: Any, saved: Dict[str, Tensor]) -> None:
    """Restore the buffers of each process.

    Args:
        runner: The runner, before its first training iteration.
        saved: From :func:`collect_rank_buffers`. With another number of processes they are ignored: all processes keep
            the buffers of the first one, which are in the checkpoint itself.
    """
    buffers = _buffers(runner)
    for name, stack in saved.items():
        if len(stack) != get_world_size():
            runner.logger.warning(
                f'The checkpoint is from {len(stack)} processes, this run has {get_world_size()}: all continue with '
                "the first one's statistics, not exactly as before."
            )
            return
        buffers[name].copy_(torch.as_tensor(stack[get_rank()]))


def lend_main_buffers(runner: Any) -> Dict[str, Tensor]:
    """Give every process the first one's buffers, so that all validate the network that is saved.

    Args:
        runner: The runner.

    Returns:
        Copies of this process's buffers, for :func:`return_buffers`; empty for one process.
    """
    if get_world_size() == 1:
        return {}
    buffers = _buffers(runner)
    own = {name: buffer.clone() for name, buffer in buffers.items()}
    for buffer in buffers.values():
        shared = _sendable(buffer).clone()
        broadcast(shared, src=0)
        buffer.copy_(shared)
    return own


def return_buffers(runner: Any, own: Dict[str, Tensor]) -> None:
    """Undo :func:`lend_main_buffers`, so that a validation does not change the training.

    Args:
        runner: The runner.
        own: Return value of that function.
    """
    buffers = _buffers(runner)
    for name, buffer in own.items():
        buffers[name].copy_(buffer)


def _buffers(runner: Any) -> Dict[str, Tensor]:
    return dict(bare_model(runner).named_buffers())


def _sendable(buffer: Tensor) -> Tensor:
    """Return a buffer as the collectives of Gloo and NCCL take it: not boolean, and contiguous."""
    return buffer.to(torch.uint8) if buffer.dtype == torch.bool else buffer.contiguous()
