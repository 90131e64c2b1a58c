"""FARCLUSS whose pixels also count by the energy of their teacher."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ssl.models import FARCLUSS, EnergyMargins
from mmseg_ssl.models.segmentors.farcluss import TeacherStep


@MODELS.register_module()
class EnergyFARCLUSS(FARCLUSS):
    r"""FARCLUSS with the reliability :math:`r_i \cdot \mathrm{sigmoid}((m - E_i) / \tau)`.

    Entropy says how the classes share a pixel, the free energy :math:`E_i` how familiar it is: a pixel unlike all that
    was labelled can have a sharp distribution. As in DUEB, :math:`m` lies between the running energies of rightly and
    wrongly predicted labelled pixels; here they are the teacher's, because its label is what is weighed.

    Args:
        temperature: :math:`\tau` of the energy.
        **kwargs: As for :class:`FARCLUSS`.
    """

    def __init__(self, temperature: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margins = EnergyMargins(temperature=temperature)

    def reliability(self, step: TeacherStep) -> Tensor:
        """Weight of every unlabelled pixel, ``(B, H, W)``."""
        self.margins.update(step.sup.logits, step.truth)
        return super().reliability(step) * self.margins.reliability(step.weak.logits)
