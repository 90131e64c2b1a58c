"""BatchNorm statistics of a network call that several views share: of all of them, or per view.

In a merged call the gradient of the labeled loss reaches the unlabeled images through the mean and variance that they
share. A strong loss of their own holds them in place, and then more images per statistic help; at weight 0, or with the
small distances of a mean teacher, nothing does, and the network ends below supervised training
(``configs/benchmarks/batch_statistics.toml`` is the comparison). Normalizing unlabeled views by the running statistics,
as inference does, was tried and is no option: FixMatch ended 10 points below supervised training.
"""

from contextlib import contextmanager
from typing import Dict, Iterator, Sequence, Tuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import NetworkError

STATISTICS = ('merged', 'separate', 'separate_unkept')
"""``'merged'``: all images of a call are normalized together. ``'separate'``: each view by its own statistics, as if it
had its own call. ``'separate_unkept'``: likewise, and the running statistics, by which the network predicts at
inference, follow labeled images alone."""


class _ViewNorm(_BatchNorm):
    """Mixin of a BatchNorm class that normalizes the views of a batch one by one while :attr:`view_sizes` is set."""

    view_sizes: Tuple[int, ...] = ()
    views_kept: Tuple[bool, ...] = ()

    def forward(self, values: Tensor) -> Tensor:
        if not self.view_sizes or not self.training:
            return super().forward(values)
        momentum, count, parts = self.momentum, self.num_batches_tracked, []
        for part, kept in zip(values.split(self.view_sizes), self.views_kept):
            # of other views the running statistics take a share of 0, and do not count the batch (momentum=None does)
            self.momentum, self.num_batches_tracked = (momentum, count) if kept else (0.0, None)
            parts.append(super().forward(part))
        self.momentum, self.num_batches_tracked = momentum, count
        return torch.cat(parts)


_WITH_VIEWS: Dict[type, type] = {}


@contextmanager
def separate_views(network: nn.Module, sizes: Sequence[int], kept: Sequence[bool]) -> Iterator[None]:
    """Let every BatchNorm of a network normalize each view of a merged batch by its own statistics.

    The other layers see one batch, so the call costs what a merged one does: measured on a CPU, 0 to 5 % more, where a
    call per view costs 5 to 12 % more (MobileNetV2 and ResNet-50).

    Args:
        network: Any module; in eval mode nothing changes. Layers may be SyncBatchNorm, which then gathers the
            statistics of each view from all processes.
        sizes: Number of images of each view, in the order of the batch.
        kept: Per view, whether running statistics follow it.

    Raises:
        NetworkError: The network has ``with_cp`` of the host's backbones.
    """
    if any(getattr(module, 'with_cp', False) for module in network.modules()):
        raise NetworkError(
            'with_cp=True computes layers again in the backward pass, when the views are no longer apart: the gradient '
            "would be another one. Set with_cp=False, and take --checkpoint-activations; or batch_statistics='merged'."
        )
    layers = [_with_views(module) for module in network.modules() if isinstance(module, _BatchNorm)]
    for layer in layers:
        # attributes, not arguments: the host's layers call BatchNorm with one tensor
        layer.view_sizes, layer.views_kept = tuple(sizes), tuple(kept)
    try:
        yield
    finally:
        for layer in layers:
            layer.view_sizes = ()


def _with_views(layer: _BatchNorm) -> _ViewNorm:
    """The layer itself, after :class:`_ViewNorm` was mixed into its class."""
    if not isinstance(layer, _ViewNorm):
        # here and not when the model is built: the runner may have exchanged BatchNorm for SyncBatchNorm since.
        # Weights, their names and isinstance() stay as they were
        kind = type(layer)
        layer.__class__ = _WITH_VIEWS.setdefault(kind, type(kind.__name__, (_ViewNorm, kind), {}))
    assert isinstance(layer, _ViewNorm)
    return layer
