"""Labels of unscribbled pixels, solved for with the network fixed, and their losses."""

from typing import Any, Callable, Dict

import torch
from torch import Tensor, nn

from ..ops import alpha_expansion, fused_updates, likeliest, masked_mean
from ..structures import PixelTarget, Scribbles
from ..targets import dense_self_label, hard_self_label, self_label
from ..utils.choices import one_of
from ..utils.packages import is_installed
from .losses import collision_cross_entropy, pixel_cross_entropy, reverse_cross_entropy


def standard_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Cross entropy with a soft label (arXiv 2507.01721, eq. 9), as :func:`collision_cross_entropy` is called."""
    return pixel_cross_entropy(logits, PixelTarget(label, torch.ones_like(label[:, 0])))


CROSS_ENTROPIES: Dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'standard': standard_cross_entropy,
    'reverse': reverse_cross_entropy,
    'collision': collision_cross_entropy,
}

SOLVED_NEIGHBORHOODS = ('nearest', 'dense')


class SelfLabeling(nn.Module):
    r"""Soft labels of a scribbled batch, and their loss (Zhang & Boykov, CVPR 2025, arXiv 2507.01721, eq. 8).

    .. math:: \eta\, \mathrm{mean}_{i \notin S}\, H(y_i, \sigma_i), \qquad
              y \approx \arg\min_y\ \eta \sum_{i \notin S} H(y_i, \sigma_i) + \lambda \sum_{ij \in N} w_{ij} P(y_i, y_j)

    as near to the minimum as the ``solver`` goes; the paper's stays far from it.

    Args:
        eta: :math:`\eta`.
        cross_entropy: :math:`H`: ``'collision'`` (eq. 11), ``'reverse'`` (eq. 10) or ``'standard'`` (eq. 9).
        neighborhood: :math:`N`: ``'nearest'``, the pixel grid, or ``'dense'``, all pairs, with
            :func:`~mmseg_ssl.targets.dense_self_label` with options of its own.
        **options: Further options of :func:`~mmseg_ssl.targets.self_label`: ``relaxation``, ``potts_weight``,
            ``bandwidth``, ``solver``, ``steps``, ``step_size``, ``coarse_to_fine``, ``only_seeded_classes`` ...

    Raises:
        ValueError: If a value is not possible.
        TypeError: If there is no such option.
    """

    def __init__(
        self, eta: float = 0.3, cross_entropy: str = 'collision', neighborhood: str = 'nearest', **options: Any
    ) -> None:
        super().__init__()
        self.neighborhood = one_of(SOLVED_NEIGHBORHOODS, neighborhood=neighborhood)
        self.cross_entropy = one_of(tuple(CROSS_ENTROPIES), cross_entropy=cross_entropy)
        self.eta = eta
        self.options = dict(options, eta=eta, cross_entropy=cross_entropy)
        if options.get('solver') == 'fused':  # needs a GPU, which the model is moved to later
            SelfLabeling(neighborhood=neighborhood, **dict(self.options, solver='multiplicative'))
        else:
            require_solvable(self)

    def missing_package(self) -> str:
        """Say which package the solver needs and does not find; nothing if it finds all."""
        return fused_updates.MISSING if self.options.get('solver') == 'fused' and not is_installed('triton') else ''

    def forward(self, logits: Tensor, scribbles: Scribbles) -> Tensor:
        """Solve for the labels with the network fixed.

        Args:
            logits: ``(B, C, H, W)``; no gradient is taken.
            scribbles: Of the same images.

        Returns:
            ``(B, C, H, W)``, distributions on dim 1, one-hot on the seeds.
        """
        solve = self_label if self.neighborhood == 'nearest' else dense_self_label
        images, seeds, valid, classes = scribbles
        return solve(logits, images, seeds, valid=valid, image_classes=classes, **self.options)

    def losses(self, logits: Tensor, label: Tensor, scribbles: Scribbles) -> Dict[str, Tensor]:
        r"""Compare the prediction with fixed labels.

        Args:
            logits: ``(B, C, H, W)``.
            label: ``(B, C, H, W)``, from :meth:`forward`.
            scribbles: Of the same images.

        Returns:
            :math:`\eta H`, a mean over unlabeled pixels; and for the log, the confidence of the labels and how often
            they and the prediction name the same class.
        """
        distance = CROSS_ENTROPIES[self.cross_entropy](logits, label)
        confidence, named = likeliest(label)
        agreed = (likeliest(logits)[1] == named).float()
        return {
            'unsup.loss_self_label': self.eta * masked_mean(distance, over=scribbles.unlabeled),
            'unsup.confidence': masked_mean(confidence, over=scribbles.unlabeled),
            'unsup.agreement': masked_mean(agreed, over=scribbles.unlabeled),
        }


class GraphCutLabeling(nn.Module):
    """Hard labels of a scribbled batch, see :func:`~mmseg_ssl.targets.hard_self_label`.

    Args:
        **options: Its options: ``unary_weight``, ``potts_weight``, ``bandwidth``, ``connectivity`` ...

    Raises:
        ValueError: If a value is not possible.
        TypeError: If there is no such option.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        require_solvable(self)

    def missing_package(self) -> str:
        """Say which package the cuts need and do not find; nothing if they find it."""
        return '' if is_installed('maxflow') else alpha_expansion.MISSING

    def forward(self, logits: Tensor, scribbles: Scribbles) -> PixelTarget:
        """Compute the labels with the network fixed.

        Args:
            logits: ``(B, C, H, W)``; no gradient is taken.
            scribbles: Of the same images.

        Returns:
            Label ``(B, H, W)``, 255 where nothing is image, and weight.
        """
        images, seeds, valid, classes = scribbles
        return hard_self_label(logits, images, seeds, valid=valid, image_classes=classes, **self.options)


def require_solvable(labeling: nn.Module) -> None:
    """Label two pixels, so that a wrong option fails when the model is built, not when training starts."""
    with torch.device('cpu'):  # the model may be built on the meta device
        seeds = torch.zeros(1, 1, 2, dtype=torch.int64)
        labeling(torch.zeros(1, 2, 1, 2), Scribbles(torch.zeros(1, 3, 1, 2), seeds, seeds == 0))
