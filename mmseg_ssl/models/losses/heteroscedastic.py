"""Aleatoric uncertainty: cross entropy under Gaussian noise on the logits, of a predicted variance."""

import math
from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...ops.precision import at_least_fp32
from ...structures import IGNORE_INDEX

MIN_VARIANCE = 1e-6
"""Smallest variance; smaller ones count as this, because the derivative of the square root is infinite at 0."""

MAX_VARIANCE = 10.0
"""Largest variance that is predicted; beyond it, the noise drowns every logit and the gradient dies."""

BANDS = 4
"""Number of bands of rows in which a sample is processed; temporaries are that much smaller."""


def heteroscedastic_cross_entropy(
    logits: Tensor,
    variance: Tensor,
    label: Tensor,
    num_samples: int = 10,
    ignore_index: int = IGNORE_INDEX,
    generator: Optional[torch.Generator] = None,
) -> Tensor:
    r"""Monte-Carlo cross entropy of Kendall & Gal, "What uncertainties do we need" (2017), eq. 12, per pixel.

    .. math:: \ell_i = - \ln \frac1T \sum_{t=1}^T \mathrm{softmax}(z_i + \sigma_i \varepsilon_{it})_{y_i},
              \qquad \varepsilon_{it} \sim N(0, I_C)

    A large variance attenuates pixels with contradictory labels; elsewhere a small one is best. The
    noise is reparametrized, so the gradient reaches logits and variance. Gradients are accumulated while the samples
    are drawn and images go one by one: beside its inputs the term holds less than three tensors of the size of the
    logits (at 6x19x800x800), for any ``num_samples``.

    Args:
        logits: ``(B, C, H, W)``.
        variance: ``(B, 1, H, W)``, at least 0 (values below 1e-6 count as 1e-6), shared by all classes.
        label: ``(B, H, W)`` int64.
        num_samples: ``T``, at least 1.
        ignore_index: Label of pixels that do not count: 0 with a zero gradient.
        generator: Source of the noise; torch's global one if not given.

    Returns:
        ``(B, H, W)``, at least 0, fp32 or wider.

    Raises:
        ValueError: If the shapes do not fit or ``num_samples`` is below 1.
    """
    check_shapes(logits, variance, label, num_samples)
    loss: Tensor = _NoisyCrossEntropy.apply(
        at_least_fp32(logits), at_least_fp32(variance), label, num_samples, ignore_index, generator
    )
    return loss


class _NoisyCrossEntropy(torch.autograd.Function):
    """Streams over the samples: a running log-sum-exp, with the gradients kept in step."""

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
        logits = logits.contiguous()  # read in every sample; the noise is contiguous too
        deviation = variance.clamp_min(MIN_VARIANCE).sqrt()
        grad_logits, grad_deviation = torch.zeros_like(logits), torch.zeros_like(deviation)
        log_sum = torch.full_like(deviation, -torch.inf)
        state = (logits, logits.gather(1, index), deviation, index, grad_logits, grad_deviation, log_sum)
        noise = None
        for _ in range(num_samples):
            noise = normal_like(logits, generator, out=noise)
            _accumulate(noise, *state)
        grad_logits.scatter_add_(1, index, torch.full_like(deviation, -1)).mul_(valid)
        # the chain rule of the square root; a variance below the smallest is a constant
        grad_variance = grad_deviation / (2 * deviation) * (valid & (variance >= MIN_VARIANCE))
        ctx.save_for_backward(grad_logits, grad_variance)
        loss = math.log(num_samples) - log_sum
        return loss.where(valid, loss.new_zeros(())).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        grad_logits, grad_variance = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        return grad_logits * grad, grad_variance * grad, None, None, None, None


def _accumulate(noise: Tensor, *state: Tensor) -> None:
    """Add a sample to the running sums, in place, one band of rows at a time."""
    for band in zip(*(tensor.tensor_split(BANDS, dim=2) for tensor in (noise, *state))):
        _accumulate_band(*band)


def _accumulate_band(
    noise: Tensor,
    logits: Tensor,
    logit: Tensor,
    deviation: Tensor,
    index: Tensor,
    grad_logits: Tensor,
    grad_deviation: Tensor,
    log_sum: Tensor,
) -> None:
    """Update a running log-sum-exp and two means: a sample counts by the probability that it gives the label.

    The gradient of ``-ln softmax(z)_y`` is the softmax, of which the mean is kept, less one at the label, which is the
    same in every sample and comes off in the end.
    """
    noisy, at_label = torch.addcmul(logits, noise, deviation), noise.gather(1, index)
    logit = torch.addcmul(logit, at_label, deviation)
    log_prob = to_log_probability(noisy, logit)
    log_sum.copy_(torch.logaddexp(log_sum, log_prob))
    share = (log_prob - log_sum).exp_()
    grad_logits.lerp_(noisy, share)
    grad_deviation.lerp_(noise.mul_(noisy).sum(dim=1, keepdim=True) - at_label, share)


def to_log_probability(logits: Tensor, logit: Tensor) -> Tensor:
    """Turn logits, in place, into probabilities; return ``ln p`` of a class from its logit, both (B, 1, H, W)."""
    peak = logits.amax(dim=1, keepdim=True)
    total = logits.sub_(peak).exp_().sum(dim=1, keepdim=True)
    logits.div_(total)
    return logit - peak - total.log()


def to_gradient(logits: Tensor, index: Tensor) -> Tensor:
    """Turn logits, in place, into the gradient of ``-ln softmax(z)_y``; return ``ln softmax(z)_y`` as (B, 1, H, W)."""
    log_prob = to_log_probability(logits, logits.gather(1, index))
    logits.scatter_add_(1, index, torch.full_like(log_prob, -1))
    return log_prob


def normal_like(like: Tensor, generator: Optional[torch.Generator], out: Optional[Tensor] = None) -> Tensor:
    """Draw standard normal noise of the shape, dtype and device of a tensor; into ``out``, if given."""
    if out is None:  # contiguous whatever the layout of the logits: torch draws four times slower into a strided tensor
        out = torch.empty(like.shape, dtype=like.dtype, device=like.device)
    return out.normal_(generator=generator)


def valid_and_index(label: Tensor, ignore_index: int) -> Tuple[Tensor, Tensor]:
    """Return which pixels count, and a class for every pixel to gather by, both (B, 1, H, W)."""
    label = label.unsqueeze(1)
    valid = label != ignore_index
    return valid, label.where(valid, label.new_zeros(()))


def check_shapes(logits: Tensor, variance: Tensor, label: Tensor, num_samples: int) -> None:
    """Refuse shapes that would broadcast silently."""
    batch, _, height, width = logits.shape
    if variance.shape != (batch, 1, height, width) or label.shape != (batch, height, width):
        raise ValueError(
            f'Expected variance {(batch, 1, height, width)} and label {(batch, height, width)} for logits '
            f'{tuple(logits.shape)}, got {tuple(variance.shape)} and {tuple(label.shape)}.'
        )
    if num_samples < 1:
        raise ValueError(f'num_samples must be at least 1, got {num_samples}.')
