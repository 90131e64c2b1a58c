"""What DUEB adds to CPCL: a term of the aleatoric variance, and one of the energy. Each is chosen by config."""

from typing import Dict, NamedTuple, Tuple

from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import masked_mean
from ..structures import IGNORE_INDEX, PixelTarget, Prediction
from .energy_margins import EnergyMargins
from .losses import energy_loss, heteroscedastic_cross_entropy, release_aleatoric_loss

Terms = Dict[str, Tensor]


class MixedLabels(NamedTuple):
    """What a branch is taught on the mixed images.

    Attributes:
        label: ``(B, H, W)`` int64, 255 on padding and where there is none.
        valid: ``(B, H, W)`` bool, which pixels are image.
        agreed: ``(B, H, W)`` bool, image pixels on which both branches agree.
    """

    label: Tensor
    valid: Tensor
    agreed: Tensor


class NoTerm(nn.Module):
    """Nothing is added; also the frame of the others.

    In a step it first observes the labeled images, then it may reweight the target, then it gives its terms:
    ``sup.loss_<kind>`` on ground truth and ``unsup.loss_<kind>`` on the target.
    """

    def observe(self, logits: Tensor, truth: Tensor) -> None:
        """Take in a prediction of labeled images, ``(B, C, H, W)``, and their labels ``(B, H, W)``."""

    def reweight(self, target: PixelTarget, logits: Tensor) -> PixelTarget:
        """Change how much the pixels of a target count, by the learner's own prediction of them."""
        return target

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch.

        Args:
            sup: Prediction of the labeled images.
            truth: Their labels, ``(B, H, W)`` int64, 255 ignored.
            mixed: Prediction of the mixed images.
            pseudo: What the branch is taught on them.

        Returns:
            Weighted losses, and what is logged.
        """
        return {}


class AleatoricTerm(NoTerm):
    r"""Cross entropy attenuated by the predicted variance, on ground truth and on pseudo labels.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        num_samples: Monte-Carlo samples :math:`T`.
        sample_stride: The term sees every n-th row and column, which divides its cost by n squared.
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), num_samples: int = 10, sample_stride: int = 1) -> None:
        super().__init__()
        self.weight, self.num_samples, self.sample_stride = tuple(weight), num_samples, sample_stride

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch; see :class:`NoTerm`."""
        thin = (..., slice(None, None, self.sample_stride), slice(None, None, self.sample_stride))
        known = self.attenuated(sup.logits[thin], sup.side['variance'][thin], truth[thin])
        taught = self.attenuated(mixed.logits[thin], mixed.side['variance'][thin], pseudo.label[thin])
        return {
            'sup.loss_aleatoric': self.weight[0] * known,
            'unsup.loss_aleatoric': self.weight[1] * taught,
            'variance': masked_mean(mixed.side['variance'].detach().squeeze(1), over=pseudo.valid),
        }

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        raise NotImplementedError


@MODELS.register_module()
class KendallGalTerm(AleatoricTerm):
    """Kendall & Gal (2017): :func:`heteroscedastic_cross_entropy`, per pixel and reparametrized."""

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        loss = heteroscedastic_cross_entropy(logits, variance, label, self.num_samples)
        return masked_mean(loss, over=label != IGNORE_INDEX)


@MODELS.register_module()
class ReleaseAleatoricTerm(AleatoricTerm):
    """The public code's term: :func:`release_aleatoric_loss`."""

    def attenuated(self, logits: Tensor, variance: Tensor, label: Tensor) -> Tensor:
        """Mean over the pixels with a label, a scalar."""
        return release_aleatoric_loss(logits, variance, label, self.num_samples)


@MODELS.register_module()
class EnergyWeighting(NoTerm):
    r"""No term of its own: CPCL's weights times :math:`g_i = \mathrm{sigmoid}((m - E_i) / \tau)`.

    :math:`E_i` is the free energy of the learner's prediction, :math:`m` the middle of the running energies of rightly
    and wrongly predicted labeled pixels, see :class:`EnergyMargins`.

    Args:
        temperature: :math:`\tau > 0`.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.margins = EnergyMargins(temperature=temperature)

    def observe(self, logits: Tensor, truth: Tensor) -> None:
        """Let the margins follow a labeled batch."""
        self.margins.update(logits, truth)

    def reweight(self, target: PixelTarget, logits: Tensor) -> PixelTarget:
        """Scale the target by how low the energy is."""
        return target.reweight(self.margins.reliability(logits))


class EnergyTerm(NoTerm):
    """A mode of :func:`energy_loss`, on ground truth and on pseudo labels.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        **options: Further arguments of :func:`energy_loss`.
    """

    mode = ''

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), **options: float) -> None:
        super().__init__()
        self.weight, self.options = tuple(weight), options

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch; see :class:`NoTerm`."""
        known = energy_loss(sup.logits, truth, self.mode, **self.options)
        taught = energy_loss(mixed.logits, pseudo.label, self.mode, **self.options)
        return {'sup.loss_energy': self.weight[0] * known, 'unsup.loss_energy': self.weight[1] * taught}


@MODELS.register_module()
class JointEnergyTerm(EnergyTerm):
    """Likelihood of a joint energy-based model (mode ``joint`` of :func:`energy_loss`).

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        logit_weight: Weight of the squared logits, which stand in for the partition function.
    """

    mode = 'joint'

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), logit_weight: float = 0.1) -> None:
        super().__init__(weight, logit_weight=logit_weight)


@MODELS.register_module()
class ReleaseEnergyTerm(EnergyTerm):
    """The public code's term, a confidence penalty (mode ``release`` of :func:`energy_loss`).

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
    """

    mode = 'release'

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__(weight)


@MODELS.register_module()
class HingeEnergyTerm(EnergyWeighting):
    """Low energies where the branches agree, high ones where they do not (mode ``hinge`` of :func:`energy_loss`).

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        temperature: Of the free energy, above 0.
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), temperature: float = 1.0) -> None:
        super().__init__(temperature)
        self.weight, self.temperature = tuple(weight), temperature

    def reweight(self, target: PixelTarget, logits: Tensor) -> PixelTarget:
        """Leave the target as it is."""
        return target

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch; see :class:`NoTerm`."""
        options = dict(margins=self.margins(), temperature=self.temperature)
        agreed = pseudo.label.where(pseudo.agreed, pseudo.label.new_full((), IGNORE_INDEX))
        known = energy_loss(sup.logits, truth, 'hinge', **options)
        taught = energy_loss(mixed.logits, agreed, 'hinge', unreliable=pseudo.valid & ~pseudo.agreed, **options)
        return {'sup.loss_energy': self.weight[0] * known, 'unsup.loss_energy': self.weight[1] * taught}


def build_term(config: Dict, default: str) -> nn.Module:
    """Build a term from its config, whose type may be left out; :class:`NoTerm` from None."""
    return NoTerm() if config is None else MODELS.build(dict(dict(type=default), **config))
