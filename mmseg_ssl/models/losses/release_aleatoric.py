"""Aleatoric term of DUEB's public code."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...ops.precision import at_least_fp32
from ...structures import IGNORE_INDEX
from .heteroscedastic import check_shapes, normal_like, to_gradient, valid_and_index


def release_aleatoric_loss(
    logits: Tensor,
    variance: Tensor,
    label: Tensor,
    num_samples: int = 10,
    ignore_index: int = IGNORE_INDEX,
    generator: Optional[torch.Generator] = None,
) -> Tensor:
    r"""Aleatoric term of DUEB's public code, see :class:`ReleaseAleatoricTerm`.

    With :math:`s = \sqrt v + 10^{-15}`, :math:`u = CE(z, y)` and :math:`d_t = CE(z + s \varepsilon_t, y)`, each the
    mean over valid pixels,

    .. math:: L = r u + u + \frac1N \sum_i (e^{v_i} - 1), \qquad r = - \frac1T \sum_t \mathrm{ELU}(u - d_t)

    The noise is not reparametrized: the only gradient on the variance is :math:`e^v / N`, which pushes it to 0.

    Args:
        logits: ``(B, C, H, W)``.
        variance: ``(B, 1, H, W)``, at least 0.
        label: ``(B, H, W)`` int64.
        num_samples: ``T``.
        ignore_index: Label of pixels that do not count.
        generator: Source of the noise; torch's global one if not given.

    Returns:
        A scalar; without a valid pixel only the last term (the public code gives NaN there).

    Raises:
        ValueError: If the shapes do not fit or ``num_samples`` is below 1.
    """
    check_shapes(logits, variance, label, num_samples)
    logits, variance = at_least_fp32(logits), at_least_fp32(variance)
    # detached: the public code draws the noise with sample(), which passes no gradient to the variance
    term: Tensor = _ReleaseTerm.apply(logits, variance.detach(), label, num_samples, ignore_index, generator)
    return term + variance.exp().sub(1).mean()


class _ReleaseTerm(torch.autograd.Function):
    """Computes ``r u + u`` of the public code; its gradient on the logits is accumulated sample by sample."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        variance: Tensor,
        label: Tensor,
        num_samples: int,
        ignore_index: int,
        generator: Optional[torch.Generator],
    ) -> Tensor:
        valid, index = valid_and_index(label, ignore_index)
        share = valid.to(logits.dtype) / valid.sum().clamp_min(1)
        deviation = variance.sqrt() + 1e-15
        clean = -(to_gradient(logits.clone(), index) * share).sum()
        grad_logits, ratio, slopes = torch.zeros_like(logits), torch.zeros_like(clean), torch.zeros_like(clean)
        noisy = torch.empty_like(logits, memory_format=torch.contiguous_format)
        for _ in range(num_samples):
            noisy = normal_like(logits, generator, out=noisy).mul_(deviation).add_(logits)
            gain = clean + (to_gradient(noisy, index) * share).sum()  # u - d_t
            slope = gain.clamp(max=0).exp()  # ELU'
            ratio = ratio - torch.nn.functional.elu(gain) / num_samples
            slopes = slopes + slope / num_samples
            grad_logits.addcmul_(noisy, clean * slope / num_samples)
        grad_clean = noisy.copy_(logits)  # made again rather than kept: a tensor less while the samples are drawn
        to_gradient(grad_clean, index)
        grad_logits.addcmul_(grad_clean, ratio + 1 - clean * slopes).mul_(share)
        ctx.save_for_backward(grad_logits)
        return ratio * clean + clean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        return ctx.saved_tensors[0] * grad, None, None, None, None, None
