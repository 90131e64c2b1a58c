"""DUEB's energy terms: a weight of CPCL's targets, or a loss of its own."""

from typing import Tuple

from mmseg.registry import MODELS
from torch import Tensor

from ..structures import IGNORE_INDEX, PixelTarget, Prediction
from .dueb_terms import MixedLabels, NoTerm, Terms, two_weights
from .energy_margins import EnergyMargins
from .losses import hinge_energy_loss, joint_energy_loss, release_energy_loss


@MODELS.register_module()
class EnergyWeighting(NoTerm):
    r"""No term of its own: CPCL's weights times :math:`g_i = \mathrm{sigmoid}((m - E_i) / \tau)`.

    :math:`E_i` is the free energy of the learner's prediction, :math:`m` the middle between the running energies of
    correctly and wrongly predicted labeled pixels, see :class:`EnergyMargins`.

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
    """An energy loss on ground truth and on pseudo labels.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__()
        self.weight = two_weights(type(self).__name__, weight)

    def forward(self, sup: Prediction, truth: Tensor, mixed: Prediction, pseudo: MixedLabels) -> Terms:
        """Compute the terms of one branch; see :class:`NoTerm`."""
        known, taught = self.energies(sup.logits, truth, mixed.logits, pseudo)
        return {'sup.loss_energy': self.weight[0] * known, 'unsup.loss_energy': self.weight[1] * taught}

    def energies(self, sup: Tensor, truth: Tensor, mixed: Tensor, pseudo: MixedLabels) -> Tuple[Tensor, Tensor]:
        """Loss on ground truth and loss on pseudo labels, two scalars, from the logits of both."""
        raise NotImplementedError


@MODELS.register_module()
class JointEnergyTerm(EnergyTerm):
    """Likelihood of a joint energy-based model: :func:`joint_energy_loss`.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
        logit_weight: Weight of the squared logits, which stand in for the partition function.
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0), logit_weight: float = 0.1) -> None:
        super().__init__(weight)
        self.logit_weight = logit_weight

    def energies(self, sup: Tensor, truth: Tensor, mixed: Tensor, pseudo: MixedLabels) -> Tuple[Tensor, Tensor]:
        """Loss on ground truth and loss on pseudo labels."""
        known = joint_energy_loss(sup, truth, self.logit_weight)
        return known, joint_energy_loss(mixed, pseudo.label, self.logit_weight)


@MODELS.register_module()
class ReleaseEnergyTerm(EnergyTerm):
    """The public code's term, a confidence penalty: :func:`release_energy_loss`."""

    def energies(self, sup: Tensor, truth: Tensor, mixed: Tensor, pseudo: MixedLabels) -> Tuple[Tensor, Tensor]:
        """Loss on ground truth and loss on pseudo labels."""
        return release_energy_loss(sup, truth), release_energy_loss(mixed, pseudo.label)


@MODELS.register_module()
class HingeEnergyTerm(EnergyTerm):
    """Low energies where the branches agree, high ones where they do not: :func:`hinge_energy_loss`.

    The margins are running means of the energies of labeled pixels, see :class:`EnergyMargins`.

    Args:
        weight: Weights of the term on (ground truth, pseudo labels).
    """

    def __init__(self, weight: Tuple[float, float] = (0.5, 1.0)) -> None:
        super().__init__(weight)
        self.margins = EnergyMargins()

    def observe(self, logits: Tensor, truth: Tensor) -> None:
        """Let the margins follow a labeled batch."""
        self.margins.update(logits, truth)

    def energies(self, sup: Tensor, truth: Tensor, mixed: Tensor, pseudo: MixedLabels) -> Tuple[Tensor, Tensor]:
        """Loss on ground truth and loss on pseudo labels."""
        margins = self.margins()
        agreed = pseudo.label.where(pseudo.agreed, pseudo.label.new_full((), IGNORE_INDEX))
        # not simply all that is not agreed: padding is no image
        disagreed = pseudo.valid & ~pseudo.agreed
        return hinge_energy_loss(sup, truth, margins), hinge_energy_loss(mixed, agreed, margins, disagreed)
