"""An energy loss for any decode head."""

from typing import Any, Optional

from mmseg.registry import MODELS
from torch import Tensor, nn

from ...ops.probabilities import class_logits
from ...structures import IGNORE_INDEX
from ...utils.choices import one_of
from .energy import hinge_energy_loss, joint_energy_loss, release_energy_loss

FORMS = ('joint', 'hinge', 'release')


@MODELS.register_module()
class EnergyLoss(nn.Module):
    r"""Energy of labeled pixels as a further loss of a decode head, beside its cross entropy.

    ``loss_decode=[dict(type='CrossEntropyLoss'), dict(type='EnergyLoss', loss_weight=0.1)]`` in a plain
    ``EncoderDecoder``; DUEB has terms of its own, which also see pseudo labels.

    Args:
        form: ``'joint'``, :func:`joint_energy_loss`; ``'hinge'``, :func:`hinge_energy_loss` with a fixed margin;
            ``'release'``, :func:`release_energy_loss`.
        logit_weight: Of ``'joint'``: :math:`\alpha`.
        margin: Of ``'hinge'``: :math:`m_{in}`, below which the energy of a labeled pixel costs nothing, in the unit of
            the logits (Liu et al., 2020, tune it; of :math:`C` classes with logits around 0 it is :math:`-\ln C`).
        loss_weight: Factor of the loss.

    Raises:
        ValueError: If the form is unknown, or ``margin`` is given for another form, or not given for ``'hinge'``.
    """

    loss_name = 'loss_energy'
    """Its key in the host's losses."""

    def __init__(
        self,
        form: str = 'joint',
        logit_weight: float = 0.1,
        margin: Optional[float] = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if (one_of(FORMS, form=form) == 'hinge') != (margin is not None):
            raise ValueError(f"EnergyLoss: form='hinge', and no other, has a margin; got form={form!r}, {margin=}.")
        self.form, self.logit_weight, self.margin, self.loss_weight = form, logit_weight, margin, loss_weight

    def forward(self, cls_score: Tensor, label: Tensor, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> Tensor:
        """Compute the loss of a batch.

        Args:
            cls_score: Logits ``(B, C, H, W)``, or ``(B, 1, H, W)`` of two classes.
            label: ``(B, H, W)`` int64.
            ignore_index: Label of pixels without one.
            **kwargs: Other arguments of decode heads (``weight`` of a sampler); not used.

        Returns:
            A scalar; with ``'joint'`` it may be negative.
        """
        logits, label = class_logits(cls_score.float()), label.where(label != ignore_index, IGNORE_INDEX)
        if self.margin is not None:
            energy = hinge_energy_loss(logits, label, (self.margin, 0.0))
        elif self.form == 'joint':
            energy = joint_energy_loss(logits, label, self.logit_weight)
        else:
            energy = release_energy_loss(logits, label)
        return self.loss_weight * energy
