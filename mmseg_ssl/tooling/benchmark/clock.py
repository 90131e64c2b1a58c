"""Measures time on the CPU and on CUDA, and the peak of torch's memory."""

import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Optional

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map


class Clock:
    """Marks points in time: by the wall clock on a CPU, by events in the stream on CUDA.

    Args:
        device: ``'cpu'``, ``'cuda'`` or ``'cuda:1'``.
        cpu_time: On a CPU, count the computing time of this process, of all its threads together, instead of the wall
            clock, so that other processes do not matter.
    """

    def __init__(self, device: str, cpu_time: bool = False) -> None:
        self.cuda = torch.device(device).type == 'cuda'
        self.now = time.process_time if cpu_time else time.perf_counter

    def mark(self) -> Any:
        """Mark the current time; on CUDA, the time at which the device gets here."""
        if not self.cuda:
            return self.now()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def ms(self, begin: Any, end: Any) -> float:
        """Return the milliseconds between two marks; on CUDA call :meth:`wait` first."""
        return begin.elapsed_time(end) if self.cuda else 1000 * (end - begin)

    def wait(self) -> None:
        """Wait until the device has finished all work."""
        if self.cuda:
            torch.cuda.synchronize()


class NetworkHooks:
    """Records every call of a network within a block: its time, its number of images, with or without gradient.

    Networks are the direct parts of the method that have weights (a branch, a teacher's copy, a localizer, a decoder),
    and backbone and heads of a branch, since some methods call these directly and the host calls auxiliary heads from
    within their loss. Of nested calls, only the outermost counts.

    Args:
        model: The method.
        clock: The clock.
    """

    def __init__(self, model: nn.Module, clock: Clock) -> None:
        self.clock, self.depth, self.keep = clock, 0, False
        self.calls: List[dict] = []
        # a compiled module would be compiled anew for every other forward()
        self.modules = [one for one in _networks(model) if getattr(one, '_compiled_call_impl', None) is None]

    @contextmanager
    def watching(self, keep: bool = False) -> Iterator[List[dict]]:
        """Record the calls of the networks in a block.

        Args:
            keep: Keep the inputs of every call (``args``, ``kwargs``) and, after the backward pass, the gradients of
                its outputs (``grads``, None where there is none). This holds memory.

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
            self._begin_call(module, args, kwargs)
            return self._end_call(forward(*args, **kwargs))

        return watched

    def _begin_call(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.depth == 0:
            tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
            call = dict(module=module, images=len(tensors[0]), begin=self.clock.mark())
            self.calls.append(dict(call, args=args, kwargs=kwargs, grads=[]) if self.keep else call)
        self.depth += 1

    def _end_call(self, output: Any) -> Any:
        self.depth -= 1
        if self.depth:
            return output
        call = self.calls[-1]
        call.update(end=self.clock.mark(), grad=torch.is_grad_enabled())
        return _with_recorded_gradients(output, call['grads']) if self.keep else output


def trained_tensors(output: Any) -> List[Tensor]:
    """List the tensors of a nested output that have a gradient, in a fixed order."""
    return [value for value in tree_flatten(output)[0] if isinstance(value, Tensor) and value.requires_grad]


def _with_recorded_gradients(output: Any, grads: List[Optional[Tensor]]) -> Any:
    """Return aliases of an output's tensors, whose gradients will be stored in ``grads``.

    Aliases are needed because one output may be computed from another (logits from the embedding): only gradients from
    outside of the call must be recorded, the rest belongs to the backward pass of the call itself.
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
    """Measure the peak bytes that torch holds for this method during a step.

    On CUDA this is ``max_memory_allocated`` minus the bytes allocated before; on a CPU the same from the profiler's
    record of all allocations of torch's CPU allocator (without oneDNN's own buffers). The bytes that the method holds
    between steps are added.

    Args:
        step: Function that runs the step.
        resident: Bytes of weights, buffers and optimizer state.
        device: Device of the method.

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
