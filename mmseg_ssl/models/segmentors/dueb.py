"""DUEB: uncertainty and energy based losses on CPCL (Thakur & Kurmi, WACV 2025, arXiv 2501.01640)."""

from typing import Any, List, Optional, Tuple

import torch
from mmengine.model import ModuleDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ...ops import masked_mean
from ...structures import IGNORE_INDEX, Prediction
from ..energy_margins import EnergyMargins
from ..losses import energy_loss, heteroscedastic_cross_entropy, release_aleatoric_loss
from ..losses.energy import ENERGY_MODES
from .base import LossDict
from .cpcl import CPCL, BranchStep

ALEATORIC_MODES = ('kendall_gal', 'release')


@MODELS.register_module()
class DUEB(CPCL):
    r"""CPCL whose branches also predict their aleatoric variance and are taught as energy-based models.

    ::

        as CPCL, and for each branch f with variance v, on ground truth, and on its intersection or union target:
        logits, variance --> aleatoric loss <-- label
        logits           --> energy loss    <-- label

    .. math:: L = L_{CPCL} + \tfrac12 \sum_b (L_{al} + L_{en})(f_b, y) + \sum_b (L_{al} + L_{en})(f_b, \hat y_b)

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        aleatoric: ``'kendall_gal'`` (:func:`heteroscedastic_cross_entropy`: per pixel, reparametrised), ``'release'``
            (:func:`release_aleatoric_loss`) or None.
        energy: ``'joint'``, ``'hinge'``, ``'weight'`` or ``'release'``, see :func:`energy_loss`, or None. ``'hinge'``
            and ``'weight'`` use running energies of right and wrong labelled pixels as margins; ``'weight'`` scales
            CPCL's targets instead of adding a term.
        aleatoric_weight: Weights of the aleatoric loss on (ground truth, pseudo labels).
        energy_weight: Weights of the energy loss on (ground truth, pseudo labels).
        num_samples: Monte-Carlo samples ``T``.
        sample_stride: The aleatoric loss sees every n-th row and column, which divides its cost by n squared.
        energy_options: Further arguments of :func:`energy_loss`: ``temperature``, ``logit_weight``.
        side_heads: Side heads of each branch by name; a ``VarianceHead`` named ``variance`` is added if there is none.
        **kwargs: As for :class:`CPCL`.

    Deviations from the paper (its equations were not at hand; the public code was read) beside those of CPCL:
        1. ``aleatoric='kendall_gal'``: the public code draws the noise without reparametrisation, averages before it
           compares, and leaves the variance out of the optimiser, so its variance learns nothing. ``'release'`` gives
           that loss; the variance is in the optimiser here all the same.
        2. ``energy``: the public code adds ``ln sum_i exp(p_i)``, a confidence penalty (``'release'``). The default was
           chosen on CamVid with 8 labels: ``'weight'`` and ``'release'`` ended within the noise of one draw of each
           other on val, ``'joint'`` well below CPCL, because its reward for the pseudo label never saturates;
           ``configs/dueb/README.md`` compares ``'hinge'``. The default means what its name says.
        3. The variance starts from a small normal initialisation (the public code leaves torch's).
        4. ``sample_stride`` above 1 takes part of the pixels; the public code takes all.
    """

    def __init__(
        self,
        segmentor: dict,
        aleatoric: Optional[str] = 'kendall_gal',
        energy: Optional[str] = 'weight',
        aleatoric_weight: Tuple[float, float] = (0.5, 1.0),
        energy_weight: Tuple[float, float] = (0.5, 1.0),
        num_samples: int = 10,
        sample_stride: int = 1,
        energy_options: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        if aleatoric not in (*ALEATORIC_MODES, None) or energy not in (*ENERGY_MODES, None):
            raise ValueError(
                f'DUEB: aleatoric is one of {ALEATORIC_MODES} or None, energy one of {ENERGY_MODES} or '
                f'None, got {aleatoric!r} and {energy!r}.'
            )
        side_heads = dict(side_heads or {})
        if aleatoric:
            # taught here, with the weights of this method, and not a second time by the branch
            side_heads['variance'] = {'type': 'VarianceHead', **side_heads.get('variance', {}), 'loss_weight': 0}
        super().__init__(segmentor, side_heads=side_heads, **kwargs)
        self.aleatoric, self.energy = aleatoric, energy
        self.aleatoric_weight, self.energy_weight = aleatoric_weight, energy_weight
        self.num_samples, self.sample_stride = num_samples, sample_stride
        self.energy_options = dict(energy_options or {})
        temperature = self.energy_options.get('temperature', 1.0)
        self.margins = ModuleDict({name: EnergyMargins(temperature=temperature) for name in self.networks})

    def branch_losses(self, step: BranchStep, samples: List[SegDataSample]) -> LossDict:
        """Losses of one branch: CPCL's, and both terms on ground truth and on the branch's pseudo labels."""
        truth = torch.cat([sample.gt_sem_seg.data for sample in samples])
        pseudo = step.target.label.where(step.valid, step.target.label.new_full((), IGNORE_INDEX))
        if self.energy in ('hinge', 'weight'):
            self.margins[step.name].update(step.sup.logits, truth)
        if self.energy == 'weight':
            step = self.weigh_by_energy(step)

        losses = super().branch_losses(step, samples)
        if self.aleatoric:
            on_truth, on_pseudo = self.aleatoric_weight
            losses['sup.loss_aleatoric'] = on_truth * self.aleatoric_loss(step.sup, truth)
            losses['loss_aleatoric'] = on_pseudo * self.unsup_scale * self.aleatoric_loss(step.mixed, pseudo)
            losses['variance'] = masked_mean(step.mixed.side['variance'].detach().squeeze(1), over=step.valid)
        if self.energy in ('joint', 'hinge', 'release'):
            on_truth, on_pseudo = self.energy_weight
            disagreed = step.valid & ~step.agreed
            losses['sup.loss_energy'] = on_truth * self.energy_loss(step.name, step.sup, truth)
            losses['loss_energy'] = (
                on_pseudo * self.unsup_scale * self.energy_loss(step.name, step.mixed, pseudo, disagreed)
            )
        return losses

    def aleatoric_loss(self, pred: Prediction, label: Tensor) -> Tensor:
        """Aleatoric loss of a prediction, over the pixels with a label."""
        thin = (..., slice(None, None, self.sample_stride), slice(None, None, self.sample_stride))
        logits, variance, label = pred.logits[thin], pred.side['variance'][thin], label[thin]
        if self.aleatoric == 'release':
            return release_aleatoric_loss(logits, variance, label, self.num_samples)
        loss = heteroscedastic_cross_entropy(logits, variance, label, self.num_samples)
        return masked_mean(loss, over=label != IGNORE_INDEX)

    def energy_loss(self, name: str, pred: Prediction, label: Tensor, disagreed: Optional[Tensor] = None) -> Tensor:
        """Energy loss of a prediction; ``'hinge'`` takes agreed pixels as reliable and disagreed ones as not."""
        options = dict(self.energy_options)
        if self.energy == 'hinge':
            options.update(margins=self.margins[name](), unreliable=disagreed)
            if disagreed is not None:
                label = label.where(~disagreed, label.new_full((), IGNORE_INDEX))
        return energy_loss(pred.logits, label, self.energy, IGNORE_INDEX, **options)

    def weigh_by_energy(self, step: BranchStep) -> BranchStep:
        """Scale a branch's target by how low its energy is."""
        return step._replace(target=step.target.reweight(self.margins[step.name].reliability(step.mixed.logits)))
