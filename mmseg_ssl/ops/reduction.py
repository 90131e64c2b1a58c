"""Reduction of per-pixel maps to one number, the last visible word of every loss."""

from mmengine.dist import all_reduce
from torch import Tensor

from .precision import at_least_fp32


def masked_mean(values: Tensor, over: Tensor) -> Tensor:
    r"""Average a map over the pixels of a mask: :math:`\sum_i o_i v_i / \sum_i o_i`.

    The papers divide by all, by valid or by kept pixels; ``over`` says which. A mask without pixels gives 0 with a
    zero gradient, never NaN.

    In distributed training the sum is divided by the mean count of all processes (so all must call this together): the
    average over the processes, which DDP takes, is then the mean over all their pixels, not the mean of their means.

    Args:
        values: Per-pixel map of any shape, e.g. ``(B, H, W)``.
        over: Mask (bool) or weights (at least 0) of the same shape.

    Returns:
        A scalar, fp32 or wider: half precision ends below the number of pixels.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> masked_mean(torch.tensor([1., 3., 9.]), over=torch.tensor([True, True, False]))
        tensor(2.)
    """
    if values.shape != over.shape:
        raise ValueError(
            f'masked_mean needs a mask of the shape of the values: expected {tuple(values.shape)}, '
            f'got {tuple(over.shape)}. Squeeze the channel or reduce the map over it first.'
        )
    values = at_least_fp32(values)
    over = over.to(values.dtype)
    # where, not a bare product: an infinite value outside the mask must not turn the sum into NaN
    total = (values * over).where(over > 0, values.new_zeros(())).sum()
    count = over.detach().sum()
    all_reduce(count, op='mean')
    return total / count.where(count > 0, count.new_ones(()))
