"""What the processes of a training send each other in a step, counted in one process that plays one of several."""

from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, NamedTuple
from unittest import mock

import torch
from torch import distributed
from torch.nn.modules.batchnorm import _BatchNorm

from .benchmark.measured_method import MeasuredMethod

COLLECTIVES = ('all_reduce', 'all_gather', 'broadcast', 'reduce')
FLOAT = 4


class Traffic(NamedTuple):
    """Bytes and messages of one process in a step, before any algorithm of the network (a ring sends twice that).

    Attributes:
        gradients: Bytes of the gradients that are averaged, in fp32.
        frozen: Bytes of weights without a gradient, which are not sent.
        norm_bytes: Statistics of SyncBN: ``2 C + 1`` numbers per layer and call, and ``2 C`` in the backward pass.
        norm_messages: Number of them.
        label_bytes: What ``loss()`` sends: counts of means, thresholds, class frequencies, prototypes.
        label_messages: Number of them.
    """

    gradients: int
    frozen: int
    norm_bytes: int
    norm_messages: int
    label_bytes: int
    label_messages: int


@contextmanager
def one_of_several(processes: int = 8) -> Iterator[None]:
    """Let this process be the first of several, whose messages go nowhere (torch's backend ``fake``)."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group('fake', rank=0, world_size=processes, store=FakeStore())
    try:
        yield
    finally:
        distributed.destroy_process_group()


def traffic_of(method: MeasuredMethod) -> Traffic:
    """Count the messages of one step of a method; its result is of no use, as nobody answers.

    Args:
        method: Within :func:`one_of_several`.
    """
    sent: List[int] = []
    normed: List[int] = []
    norms = [module for module in method.model.modules() if isinstance(module, _BatchNorm)]
    handles = [norm.register_forward_hook(_count_norm(normed)) for norm in norms]
    try:
        with counted(sent):
            method.model.train_step(method.batch, method.wrapper)
    finally:
        for handle in handles:
            handle.remove()
    weights = list(method.model.parameters())
    sizes: Dict[bool, int] = {
        learns: sum(FLOAT * weight.numel() for weight in weights if weight.requires_grad == learns)
        for learns in (True, False)
    }
    return Traffic(sizes[True], sizes[False], sum(normed), len(normed), sum(sent), len(sent))


def _count_norm(normed: List[int]) -> Callable[..., None]:
    def count(norm: Any, *_: Any) -> None:
        if norm.training:
            normed.append(FLOAT * (2 * norm.num_features + 1))
            if torch.is_grad_enabled():
                normed.append(FLOAT * 2 * norm.num_features)

    return count


@contextmanager
def counted(sent: List[int]) -> Iterator[None]:
    """Append the bytes of every message of this process within the block.

    Args:
        sent: The list.
    """

    def watch(name: str) -> Callable[..., Any]:
        original = getattr(distributed, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            tensor = args[1] if name == 'all_gather' else args[0]
            sent.append(tensor.numel() * tensor.element_size())
            return original(*args, **kwargs)

        return call

    with ExitStack() as stack:
        for name in COLLECTIVES:
            stack.enter_context(mock.patch.object(distributed, name, watch(name)))
        yield


def traffic_table(found: Dict[str, Traffic], network: str, classes: int) -> str:
    """Write the counts as a Markdown table.

    Args:
        found: Method -> counts.
        network: Short name of the network.
        classes: Number of classes.
    """
    lines = [
        '| method | gradients MB | SyncBN kB | in messages | labels, losses B | in messages | frozen weights MB |',
        '|---|---|---|---|---|---|---|',
    ]
    for name, one in found.items():
        lines.append(
            f'| {name} | {one.gradients / 1e6:.1f} | {one.norm_bytes / 1e3:.0f} | {one.norm_messages} | '
            f'{one.label_bytes} | {one.label_messages} | {one.frozen / 1e6:.1f} |'
        )
    note = f'Network {network}, {classes} classes; each process, each step, in fp32. Made by `tools/communication.py`.'
    return '\n'.join([*lines, '', note])
