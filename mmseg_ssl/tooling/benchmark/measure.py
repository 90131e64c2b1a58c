"""Measures the parts of one method's training step."""

import copy
import statistics
from collections import Counter
from typing import Any, Dict, List

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ...models.branch import Branch
from .clock import Clock, NetworkHooks, peak_memory, trained_tensors
from .measured_method import MeasuredMethod

PARTS = ('network', 'own', 'views', 'optimizer', 'ema')


class StepMeter:
    """Runs steps of a method and measures the time of each part.

    - ``views``: the preprocessor (copy to the device, normalization, strong augmentation).
    - ``network``: forward of every network, measured in the step from call to return, and its backward. It covers
      everything from the images to the logits at their size: resizing of logits, side heads and auxiliary heads, too.
    - ``own``: the method's own maths: targets, mixing and losses, forward and backward, including the host's supervised
      loss. It is the remainder: loss() and backward() minus the network's share of both.
    - ``optimizer`` and ``ema``.

    The network's share of backward() is not visible in the step, where autograd runs everything as one graph. So it is
    measured separately: each trained call is repeated on its recorded inputs, and its backward pass is timed with the
    recorded gradients of its outputs (:meth:`replay`). ``own`` is then a difference of two measurements and may be
    slightly below 0 if it is tiny.

    Args:
        method: The method.
        device: Its device.
        cpu_time: See :class:`Clock`.
    """

    def __init__(self, method: MeasuredMethod, device: str, cpu_time: bool = False) -> None:
        self.method, self.device = method, device
        self.clock = Clock(device, cpu_time)
        self.hooks = NetworkHooks(method.model, self.clock)
        self.times: Dict[str, List[float]] = {part: [] for part in ('total', 'loss', 'forward', 'backward', *PARTS)}
        self.counts: Dict[str, Counter] = {}
        self.trained_calls: List[dict] = []

    def step(self) -> None:
        """Run and time one training step."""
        with self.hooks.watching() as calls:
            marks = self._run_step()
            self.clock.wait()
        spans = [self.clock.ms(*pair) for pair in zip(marks, marks[1:])]
        found = dict(zip(('views', 'loss', 'backward', 'optimizer', 'ema'), spans), total=sum(spans))
        found['forward'] = sum(self.clock.ms(call['begin'], call['end']) for call in calls)
        for part, value in found.items():
            self.times[part].append(value)
        self.counts = _count_calls(calls)

    def median_step(self, warm_up: int, repeats: int) -> float:
        """Run steps and return the median milliseconds of those behind the warm-up."""
        for number in range(warm_up + repeats):
            if number == warm_up:
                self.forget()
            self.step()
        return statistics.median(self.times['total'])

    def replay(self) -> None:
        """Time the backward passes of the networks, without the losses."""
        if not self.trained_calls:
            self._record_trained_calls()
        total, (model, wrapper) = 0.0, (self.method.model, self.method.wrapper)
        for call in self.trained_calls:
            with wrapper.optim_context(model):
                outputs = trained_tensors(call['module'](*_detached(call['args']), **_detached(call['kwargs'])))
            pairs = [(output, grad) for output, grad in zip(outputs, call['grads']) if grad is not None]
            self.clock.wait()
            begin = self.clock.mark()
            torch.autograd.backward([output for output, _ in pairs], [grad for _, grad in pairs])
            end = self.clock.mark()
            self.clock.wait()
            total += self.clock.ms(begin, end)
            del outputs, pairs
        wrapper.zero_grad()
        self.times['network'].append(total)

    def memory(self) -> int:
        """Measure the peak bytes of a step, see :func:`peak_memory`."""
        state = [value for slots in self.method.wrapper.optimizer.state.values() for value in slots.values()]
        held = [*self.method.model.parameters(), *self.method.model.buffers(), *state]
        return peak_memory(self._run_step, sum(t.nbytes for t in held if isinstance(t, Tensor)), self.device)

    def forget(self) -> None:
        """Drop the times so far, which were warm-up."""
        for values in self.times.values():
            values.clear()

    def result(self) -> Dict[str, Any]:
        """Return the median milliseconds of a step and of its parts, and the network calls; needs steps and replays."""
        median = {part: statistics.median(values) for part, values in self.times.items() if values}
        network = median['forward'] + median['network']
        parts = dict(median, network=network, own=median['loss'] + median['backward'] - network)
        counts = {key: dict(value) for key, value in self.counts.items()}
        return dict(ms=median['total'], parts={part: parts[part] for part in PARTS}, **counts)

    def _run_step(self) -> List[Any]:
        """Run a step and return the marks between its parts."""
        _, model, wrapper, batch, ema = self.method
        data = copy.deepcopy(batch)  # the preprocessor writes into the samples
        self.clock.wait()
        marks = [self.clock.mark()]
        with wrapper.optim_context(model):
            data = model.data_preprocessor(data, True)
            marks.append(self.clock.mark())
            losses = model._run_forward(data, mode='loss')
        loss, _ = model.parse_losses(losses)
        marks.append(self.clock.mark())
        wrapper.backward(wrapper.scale_loss(loss))
        marks.append(self.clock.mark())
        wrapper.step()
        wrapper.zero_grad()
        marks.append(self.clock.mark())
        if ema:
            model.teacher.update(model.student, 0.01)
        marks.append(self.clock.mark())
        return marks

    def _record_trained_calls(self) -> None:
        """Record the inputs of every trained call, and the gradients that reach its outputs."""
        with self.hooks.watching(keep=True) as calls:
            self._run_step()
        self.trained_calls = [call for call in calls if any(grad is not None for grad in call['grads'])]


def _count_calls(calls: List[dict]) -> Dict[str, Counter]:
    """Count calls and images of trained branches, of branches without gradient, and of other networks."""
    counts: Dict[str, Counter] = dict(calls=Counter(), images=Counter())
    for call in calls:
        branch = isinstance(call['module'], Branch)
        kind = ('trained' if call['grad'] else 'frozen') if branch else 'other'
        counts['calls'][kind] += 1
        counts['images'][kind] += call['images']
    return counts


def _detached(value: Any) -> Any:
    """Return the same nested value with leaf tensors."""

    def detach(item: Any) -> Any:
        return item.detach().requires_grad_(item.requires_grad) if isinstance(item, Tensor) else item

    return tree_map(detach, value)
