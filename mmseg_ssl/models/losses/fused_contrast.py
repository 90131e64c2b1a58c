"""The pairs of a contrast between pixels, a block of anchors at a time: no matrix of all pairs is ever held."""

from typing import Any, Iterator, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...structures import IGNORE_INDEX

PAIRS = 2**20
"""Pairs in a block, 4 MB in fp32: small enough for a processor's cache, large enough for its matrix product."""
LABELS = IGNORE_INDEX + 1
"""Number of all labels, that of no class included."""

Block = Tuple[slice, Tensor, Tensor, Tensor]
"""Rows of the anchors, and for these and all keys: similarity, "not of one class", "not of different classes"."""
Gradients = Tuple[Optional[Tensor], Optional[Tensor]]


class _WithGradients(torch.autograd.Function):
    """A number whose gradients forward has saved, so that backward needs no pair again."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        """Scale what forward has made."""
        return (*(None if own is None else own * grad for own in ctx.saved_tensors), None, None, None)


class PairwiseContrast(_WithGradients):
    r"""Compute :math:`\sum_i w_i \sum_{j: y_j = y_i} \ln(1 + N_i / d_{ij})` and its gradient in one pass.

    With :math:`d_{ij} = e^{a_i \cdot k_j}` and :math:`N_i = \sum_{k: y_k \ne y_i} d_{ik}`; a key of label 255 is in
    neither sum. The gradient is made along with the sum, block by block.
    """

    @staticmethod
    def forward(
        ctx: Any, anchors: Tensor, keys: Tensor, anchor_labels: Tensor, key_labels: Tensor, weights: Tensor
    ) -> Tensor:
        """Sum over the pairs of anchors ``(A, D)`` and keys ``(K, D)``, by weights ``(A,)`` of the anchors."""
        total, gradients = anchors.new_zeros(()), _empty_gradients(ctx, anchors, keys)
        nothing, tiny = torch.finfo(anchors.dtype).min, torch.finfo(anchors.dtype).tiny
        for rows, similarity, not_same, not_different in _blocks(anchors, keys, anchor_labels, key_labels):
            largest = similarity.masked_fill(not_different, nothing).amax(dim=1, keepdim=True)
            push = (similarity - largest).exp_().masked_fill_(not_different, 0)
            negatives = push.sum(dim=1, keepdim=True)
            # the lowest number, not -inf: a row without negatives must have a gradient of 0, not NaN
            log_sum = (negatives.log() + largest).clamp(min=nothing)
            # -ln(d / (d + N)) = ln(1 + N / d) = softplus(ln N - ln d), which does not overflow
            margin = similarity.neg_().add_(log_sum).masked_fill_(not_same, nothing)
            weight = weights[rows, None]
            total += (F.softplus(margin).sum(dim=1, keepdim=True) * weight).sum()
            if any(ctx.needs_input_grad[:2]):
                pull = margin.sigmoid_().mul_(weight)
                push.mul_(pull.sum(dim=1, keepdim=True) / negatives.clamp(min=tiny))
                _add_gradients(gradients, push.sub_(pull), rows, anchors, keys)
        ctx.save_for_backward(*gradients)
        return total


class ClasswiseContrast(_WithGradients):
    r"""Compute :math:`\sum_c w_c \ln(1 + N_c / P_c)` and its gradient in two passes.

    :math:`P_c` and :math:`N_c` are the sums of :math:`e^{a_i \cdot k_j}` over all pairs of an anchor of class :math:`c`
    with a key of its class and with one of another.
    """

    @staticmethod
    def forward(
        ctx: Any, anchors: Tensor, keys: Tensor, anchor_labels: Tensor, key_labels: Tensor, weights: Tensor
    ) -> Tensor:
        """Sum over classes, by weights ``(LABELS,)``: 0 for a class without a pair of its own."""
        nothing = torch.finfo(anchors.dtype).min
        of_rows = anchors.new_full((2, len(anchors)), nothing)
        for rows, similarity, not_same, not_different in _blocks(anchors, keys, anchor_labels, key_labels):
            for own, others in zip(of_rows, (not_same, not_different)):
                largest = similarity.masked_fill(others, nothing).amax(dim=1, keepdim=True)
                # clamped: of the other pairs, which do not count, an exponential may be infinite
                of_pairs = (similarity - largest).clamp_(max=0).exp_().masked_fill_(others, 0)
                own[rows] = (of_pairs.sum(dim=1).log() + largest[:, 0]).clamp(min=nothing)
        members = anchor_labels == torch.arange(LABELS, device=anchors.device)[:, None]
        log_own, log_other = (_log_sums(own, members) for own in of_rows)
        gradients = _empty_gradients(ctx, anchors, keys)
        if any(ctx.needs_input_grad[:2]):
            share = (log_other - log_own).sigmoid() * weights
            for rows, similarity, not_same, not_different in _blocks(anchors, keys, anchor_labels, key_labels):
                own, other, slope = (values[anchor_labels[rows], None] for values in (log_own, log_other, share))
                of_pairs = similarity.sub_(torch.where(not_same, other, own)).clamp_(max=0).exp_()
                of_pairs.masked_fill_(not_same & not_different, 0).mul_(torch.where(not_same, slope, -slope))
                _add_gradients(gradients, of_pairs, rows, anchors, keys)
        ctx.save_for_backward(*gradients)
        return (F.softplus(log_other - log_own) * weights).sum()


def _blocks(anchors: Tensor, keys: Tensor, anchor_labels: Tensor, key_labels: Tensor) -> Iterator[Block]:
    """Yield the pairs of a few anchors with all keys."""
    unused = key_labels == IGNORE_INDEX
    step = max(PAIRS // max(len(keys), 1), 1)
    for first in range(0, len(anchors), step) if len(keys) else ():
        rows = slice(first, first + step)
        same = anchor_labels[rows, None] == key_labels
        yield rows, anchors[rows] @ keys.T, ~same | unused, same | unused


def _log_sums(of_rows: Tensor, members: Tensor) -> Tensor:
    """Add up rows ``(A,)``, given as logarithms, by classes ``(LABELS, A)``; the lowest number is an empty sum."""
    nothing = torch.finfo(of_rows.dtype).min
    return of_rows.where(members, nothing).logsumexp(dim=1).clamp(min=nothing)


def _empty_gradients(ctx: Any, anchors: Tensor, keys: Tensor) -> Gradients:
    needs_anchors, needs_keys = ctx.needs_input_grad[:2]
    return torch.zeros_like(anchors) if needs_anchors else None, torch.zeros_like(keys) if needs_keys else None


def _add_gradients(gradients: Gradients, of_pairs: Tensor, rows: slice, anchors: Tensor, keys: Tensor) -> None:
    """Go from the gradient of a block's similarities to those of its pixels."""
    of_anchors, of_keys = gradients
    if of_anchors is not None:
        of_anchors[rows] = of_pairs @ keys
    if of_keys is not None:
        of_keys.addmm_(of_pairs.T, anchors[rows])
