"""A weight for FARCLUSS: how sure its teacher is, and how familiar a pixel is to it."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_ssl.models import EnergyMargins, EntropyReliability
from mmseg_ssl.models.reliability import TeacherStep


@MODELS.register_module()
class EnergyReliability(nn.Module):
    r"""The reliability :math:`r_i \cdot \mathrm{sigmoid}((m - E_i) / \tau)`, with :math:`r_i` of the entropy.

    Entropy says how the classes share a pixel, the free energy :math:`E_i` how familiar it is: a pixel unlike all that
    was labeled can have a sharp distribution. As in DUEB, :math:`m` lies between the running energies of rightly and
    wrongly predicted labeled pixels; here they are the teacher's, because its label is what is weighed.

    Args:
        temperature: :math:`\tau` of the energy.
        **entropy: Options of :class:`EntropyReliability`.
    """

    def __init__(self, temperature: float = 1.0, **entropy: Any) -> None:
        super().__init__()
        self.entropy = EntropyReliability(**entropy)
        self.margins = EnergyMargins(temperature=temperature)

    def forward(self, step: TeacherStep) -> Tensor:
        """Weigh every unlabeled pixel, ``(B, H, W)``; the margins follow the labeled batch."""
        self.margins.update(step.sup.logits, step.truth)
        return self.entropy(step) * self.margins.reliability(step.weak.logits)
