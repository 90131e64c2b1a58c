"""Time on the CPU and on CUDA, and the peak of the memory that torch allocates."""

import ctypes
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Optional

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Options of glibc's ``mallopt``."""


def keep_freed_memory() -> bool:
    """Let the process keep what tensors on the CPU have freed, as torch does on CUDA; for its whole life.

    glibc gives large blocks back at once, and the system clears the pages of every new one. Of maps of 512x512 pixels
    that takes longer than much of what is computed on them.

    Returns:
        Whether the process does; without glibc it goes on as before.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return mallopt is not None and bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))


class Clock:
    """Marks in time: wall clock on a CPU, events in the stream on CUDA.

    Args:
        device: ``'cpu'``, ``'cuda'`` or ``'cuda:1'``.
        cpu_time: On a CPU, time that this process has computed, of all its threads together, in place of the wall
            clock: what other processes do does not count.
    """

    def __init__(self, device: str, cpu_time: bool = False) -> None:
        self.cuda = torch.device(device).type == 'cuda'
        self.now = time.process_time if cpu_time else time.perf_counter

    def mark(self) -> Any:
        """Now; on CUDA when the device gets there."""
        if not self.cuda:
            return self.now()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def ms(self, begin: Any, end: Any) -> float:
        """Milliseconds between two marks; on CUDA call :meth:`wait` first."""
        return begin.elapsed_time(end) if self.cuda else 1000 * (end - begin)

    def wait(self) -> None:
        """Wait until the device has done everything."""
        if self.cuda:
            torch.cuda.synchronize()


class NetworkHooks:
    """Notes every call of a network within a block: when, with how many images, and with a gradient or without.

    A network is a direct part of the method that has weights (a branch, a teacher's copy, a localizer, a decoder), and
    backbone and heads of a branch, for a method that calls these alone and for auxiliary heads, which the host calls
    from within their loss. Of calls within calls the outermost counts.

    Args:
        model: The method.
        clock: Where the marks come from.
    """

    def __init__(self, model: nn.Module, clock: Clock) -> None:
        self.clock, self.depth, self.keep = clock, 0, False
        self.calls: List[dict] = []
        self.modules = list(_networks(model))

    @contextmanager
    def watching(self, keep: bool = False) -> Iterator[List[dict]]:
        """Watch the networks for a block.

        Args:
            keep: Whether to keep the inputs of every call (``args``, ``kwargs``) and, once backward has run, the
                gradients of its outputs (``grads``, None where there came none). This holds memory.

        Yields:
            The calls: ``module``, marks ``begin`` and ``end``, number of ``images``, ``grad``.
        """
        self.calls, self.depth, self.keep = [], 0, keep
        for module in self.modules:  # not torch's hooks: the host's heads call their forward() by name
            module.forward = self._watched(module, module.forward)
        try:
            yield self.calls
        finally:
            for module in self.modules:
                del module.forward

    def _watched(self, module: nn.Module, forward: Callable) -> Callable:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._enter(module, args, kwargs)
            return self._leave(forward(*args, **kwargs))

        return watched

    def _enter(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.depth == 0:
            tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
            call = dict(module=module, images=len(tensors[0]), begin=self.clock.mark())
            self.calls.append(dict(call, args=args, kwargs=kwargs, grads=[]) if self.keep else call)
        self.depth += 1

    def _leave(self, output: Any) -> Any:
        self.depth -= 1
        if self.depth:
            return output
        call = self.calls[-1]
        call.update(end=self.clock.mark(), grad=torch.is_grad_enabled())
        return _with_recorded_gradients(output, call['grads']) if self.keep else output


def trained_tensors(output: Any) -> List[Tensor]:
    """Tensors of a nested output that have a gradient, in a fixed order."""
    return [value for value in tree_flatten(output)[0] if isinstance(value, Tensor) and value.requires_grad]


def _with_recorded_gradients(output: Any, grads: List[Optional[Tensor]]) -> Any:
    """Aliases of an output's tensors, whose gradients will appear in ``grads``.

    Aliases, because one output may be computed from another (logits from the embedding): only what comes from outside
    is the call's, the rest is its own backward.
    """

    def alias(value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.requires_grad:
            return value
        place, value = len(grads), value.view_as(value)
        grads.append(None)
        value.register_hook(lambda grad: grads.__setitem__(place, grad))
        return value

    return tree_map(alias, output)


def _networks(model: nn.Module) -> Iterator[nn.Module]:
    for part in model.children():
        child: Any = getattr(part, 'network', part)  # of a teacher, its copy of the student
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            yield from _networks(child)
        elif next(child.parameters(), None) is not None:
            yield child
            segmentor = getattr(child, 'segmentor', None)
            yield from _networks(segmentor) if segmentor is not None else ()


def peak_memory(step: Callable[[], Any], resident: int, device: str) -> int:
    """Peak bytes that torch held during a step, of this method alone.

    On CUDA ``max_memory_allocated`` above what was allocated before, on a CPU the same from the profiler's record of
    every allocation of torch's CPU allocator (what oneDNN takes for itself is not in it). To both is added what the
    method holds between steps.

    Args:
        step: Runs the step.
        resident: Bytes of weights, buffers and optimizer state.
        device: Where.

    Returns:
        Bytes.
    """
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before + resident
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == '[memory]']
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns() if hasattr(event, 'start_ns') else event.start_us()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak + resident
