"""Losses on labeled images of the error localization network (ELN, Kwon & Kwak, CVPR 2022, arXiv 2204.02078)."""

import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor

from ...utils.choices import one_of

BALANCE_MODES = ('image', 'batch')


def constrained_cross_entropy(aux_ce: Tensor, main_ce: Tensor, slack: float) -> Tensor:
    r"""Cross entropy of an auxiliary decoder while it is much worse than the main one (ELN, eq. 3).

    .. math:: \ell = 1[\ell_{aux} > \alpha\, \ell_{main}] \; \ell_{aux}

    The decoder learns until its loss falls to :math:`\alpha` times the main decoder's: it stays worse, and makes the
    errors that the localizer learns from. The main decoder gets no gradient. At equality, which two losses of 0 can
    reach, the paper's inequality is strict (the public code's is not: it adds the 0).

    Args:
        aux_ce: Cross entropy of the auxiliary decoder, one number per image ``(B,)`` or a scalar for the batch.
        main_ce: The main decoder's, of the same shape.
        slack: :math:`\alpha \ge 0`; 0 always teaches it.

    Returns:
        The shape of ``aux_ce``; 0 with a zero gradient where the decoder is not taught.

    Raises:
        ValueError: If the shapes differ or the slack is negative.

    Example:
        >>> constrained_cross_entropy(torch.tensor([3., 3.]), torch.tensor([0.1, 1.]), slack=20)
        tensor([3., 0.])
    """
    if aux_ce.shape != main_ce.shape or slack < 0:
        raise ValueError(
            f'constrained_cross_entropy compares like with like, with slack >= 0: got shapes {tuple(aux_ce.shape)} '
            f'and {tuple(main_ce.shape)}, slack {slack}. Reduce both losses to one number per image.'
        )
    return aux_ce.where(aux_ce > slack * main_ce.detach(), aux_ce.new_zeros(()))


def balanced_binary_cross_entropy(logits: Tensor, correct: Tensor, valid: Tensor, balance: str = 'image') -> Tensor:
    r"""Binary cross entropy per pixel, in which wrong and correct pixels have the same total weight (ELN, eq. 5).

    With :math:`b = \mathrm{sigmoid}(z)` and :math:`m_i = 1` where the prediction is correct,

    .. math:: \ell_i = - m_i \ln b_i - r (1 - m_i) \ln (1 - b_i), \qquad r = \frac{\sum_j m_j}{\sum_j (1 - m_j)}

    Wrong pixels are few; without the ratio, "always correct" would be a good answer. Without a correct pixel the ratio
    is 0 and nothing is learned; without a wrong one it has no effect.

    Args:
        logits: ``(B, H, W)``, high where the pixel is believed to be correct.
        correct: ``(B, H, W)`` bool.
        valid: ``(B, H, W)`` bool, which pixels count.
        balance: Compute the ratio per ``'image'``, or over the ``'batch'`` of all processes.

    Returns:
        ``(B, H, W)``, at least 0, fp32 or wider; 0 with a zero gradient where not valid.

    Raises:
        ValueError: If the shapes differ or ``balance`` is unknown.
    """
    if not logits.shape == correct.shape == valid.shape or logits.dim() != 3:
        raise ValueError(
            f'balanced_binary_cross_entropy needs maps of one shape (B, H, W), got {tuple(logits.shape)}, '
            f'{tuple(correct.shape)} and {tuple(valid.shape)}. Squeeze the channel of the logits.'
        )
    one_of(BALANCE_MODES, balance=balance)
    # the logarithms of half precision would be infinite
    logits = logits if logits.element_size() > 2 else logits.float()
    over = (1, 2) if balance == 'image' else (0, 1, 2)
    num_correct = (correct & valid).sum(dim=over, keepdim=True).to(logits)
    num_wrong = (~correct & valid).sum(dim=over, keepdim=True).to(logits)
    if balance == 'batch':
        all_reduce(num_correct)
        all_reduce(num_wrong)
    # at least one wrong pixel in the denominator: without any, nothing is multiplied by the ratio
    ratio = num_correct / num_wrong.clamp(min=1)
    loss = F.binary_cross_entropy_with_logits(logits, correct.to(logits), reduction='none')
    loss = loss * ratio.expand_as(loss).where(~correct, ratio.new_ones(()))
    return loss.where(valid, loss.new_zeros(()))
