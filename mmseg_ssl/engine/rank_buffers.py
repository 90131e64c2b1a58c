"""Buffers that each process has of its own, such as the running statistics of plain BatchNorm."""

from typing import Any, Dict

import torch
from mmengine.dist import all_gather, broadcast, get_rank, get_world_size
from torch import Tensor

from .bare_model import bare_model


def collect_rank_buffers(runner: Any) -> Dict[str, Tensor]:
    """Gather the buffers in which the processes differ; all of them must call this.

    mmengine does not synchronize buffers between processes and saves those of the first one. The others' are what an
    EMA teacher in eval mode, or statistics of the batch, go on from.

    Args:
        runner: The runner.

    Returns:
        Name -> the buffer of every process, stacked, on the CPU; empty for one process.
    """
    if get_world_size() == 1:
        return {}
    gathered = {name: torch.stack(all_gather(_sendable(buffer))) for name, buffer in _buffers(runner).items()}
    return {name: stack.cpu() for name, stack in gathered.items() if not (stack == stack[:1]).all()}


def restore_rank_buffers(runner: Any, saved: Dict[str, Tensor]) -> None:
    """Give each process its own buffers back.

    Args:
        runner: The runner, before its first training iteration.
        saved: What :func:`collect_rank_buffers` returned. For another number of processes it is of no use: then all
            keep the first one's, which is in the checkpoint itself.
    """
    buffers = _buffers(runner)
    for name, stack in saved.items():
        if len(stack) != get_world_size():
            runner.logger.warning(
                f'The checkpoint is of {len(stack)} processes, this run has {get_world_size()}: all go on with the '
                "first one's statistics, not exactly as before."
            )
            return
        buffers[name].copy_(torch.as_tensor(stack[get_rank()]))


def lend_main_buffers(runner: Any) -> Dict[str, Tensor]:
    """Give every process the first one's buffers, so that all validate the network that is saved.

    Args:
        runner: The runner.

    Returns:
        Copies of the process's own buffers, for :func:`return_buffers`; empty for one process.
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
    """Undo :func:`lend_main_buffers`: a validation changes nothing of the training.

    Args:
        runner: The runner.
        own: What was returned there.
    """
    buffers = _buffers(runner)
    for name, buffer in own.items():
        buffers[name].copy_(buffer)


def _buffers(runner: Any) -> Dict[str, Tensor]:
    return dict(bare_model(runner).named_buffers())


def _sendable(buffer: Tensor) -> Tensor:
    """Gloo and NCCL take no booleans."""
    return buffer.to(torch.uint8) if buffer.dtype == torch.bool else buffer.contiguous()
