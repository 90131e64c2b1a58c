"""Aleatoric uncertainty: cross entropy under Gaussian noise on the logits, of a predicted variance."""

import math
from typing import Any, Optional, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...ops.precision import at_least_fp32
from ...structures import IGNORE_INDEX

MIN_VARIANCE = 1e-6
"""Below it, the variance counts as this: the derivative of the square root is infinite at 0."""

BANDS = 4
"""Bands of rows that a sample is worked through in."""


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

    A large variance attenuates pixels whose labels contradict each other; where they do not, a small one is best. The
    noise is reparametrised, so the gradient reaches logits and variance. Gradients are accumulated while the samples
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
    return _NoisyCrossEntropy.apply(
        at_least_fp32(logits), at_least_fp32(variance), label, num_samples, ignore_index, generator
    )


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
        deviation = variance.clamp_min(MIN_VARIANCE).sqrt()
        grad_logits, grad_deviation = torch.zeros_like(logits), torch.zeros_like(deviation)
        peak, total = torch.full_like(deviation, -torch.inf), torch.zeros_like(deviation)
        state = (logits, deviation, index, grad_logits, grad_deviation, peak, total)
        for _ in range(num_samples):
            _take_in(normal_like(logits, generator), *state)
        scale = valid / total
        grad_variance = grad_deviation * scale / (2 * deviation) * (variance >= MIN_VARIANCE)
        ctx.save_for_backward(grad_logits.mul_(scale), grad_variance)
        loss = math.log(num_samples) - peak - total.log()
        return loss.where(valid, loss.new_zeros(())).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tuple[Optional[Tensor], ...]:
        grad_logits, grad_variance = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        return grad_logits * grad, grad_variance * grad, None, None, None, None


def _take_in(noise: Tensor, *state: Tensor) -> None:
    """Add a sample to the running sums, in place, a band of rows at a time: the temporaries are that much smaller."""
    for band in zip(*(tensor.tensor_split(BANDS, dim=2) for tensor in (noise, *state))):
        _take_in_band(*band)


def _take_in_band(
    noise: Tensor,
    logits: Tensor,
    deviation: Tensor,
    index: Tensor,
    grad_logits: Tensor,
    grad_deviation: Tensor,
    peak: Tensor,
    total: Tensor,
) -> None:
    """The step of a running log-sum-exp; a sample counts by the probability that it gives the label."""
    noisy = torch.addcmul(logits, noise, deviation)
    log_prob = to_gradient(noisy, index)
    new_peak = torch.maximum(peak, log_prob)
    # earlier samples are rescaled to the new peak
    old, new = (peak - new_peak).exp(), (log_prob - new_peak).exp()
    grad_logits.mul_(old).addcmul_(noisy, new)
    grad_deviation.mul_(old).add_(noise.mul_(noisy).sum(dim=1, keepdim=True).mul_(new))
    peak.copy_(new_peak)
    total.mul_(old).add_(new)


def to_gradient(logits: Tensor, index: Tensor) -> Tensor:
    """Turn logits, in place, into the gradient of ``-ln softmax(z)_y``; return ``ln softmax(z)_y`` as (B, 1, H, W)."""
    log_prob = logits.gather(1, index)
    peak = logits.amax(dim=1, keepdim=True)
    total = logits.sub_(peak).exp_().sum(dim=1, keepdim=True)
    logits.div_(total)
    logits.scatter_(1, index, logits.gather(1, index) - 1)
    return log_prob - peak - total.log()


def normal_like(like: Tensor, generator: Optional[torch.Generator]) -> Tensor:
    """Standard normal noise of the shape, dtype and device of a tensor."""
    # contiguous whatever the layout of the logits: torch draws four times slower into a strided tensor
    return torch.empty(like.shape, dtype=like.dtype, device=like.device).normal_(generator=generator)


def valid_and_index(label: Tensor, ignore_index: int) -> Tuple[Tensor, Tensor]:
    """Which pixels count, and a class for every pixel to gather by, both (B, 1, H, W)."""
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
