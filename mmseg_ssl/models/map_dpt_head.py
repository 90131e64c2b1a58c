"""DPT's head for backbones that return maps alone."""

from typing import Any, Sequence

from mmseg.models.decode_heads import DPTHead
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class MapDPTHead(DPTHead):
    """The host's ``DPTHead`` on levels that are maps, without the class token that the host's expects beside each.

    It takes the features of mmpretrain's and the host's ViTs, DINOv2 among them.

    Args:
        **kwargs: As for ``DPTHead``; ``readout_type`` can only be ``'ignore'``, the default.

    Raises:
        ValueError: If another readout is asked for, which needs the class token.
    """

    def __init__(self, **kwargs: Any) -> None:
        readout = kwargs.get('readout_type', 'ignore')
        if readout != 'ignore':
            raise ValueError(f"MapDPTHead has no class token: readout_type can only be 'ignore', got {readout!r}.")
        super().__init__(**kwargs)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Compute logits from levels ``(B, D, h, w)``, at DPT's resolution; see the host's head."""
        return super().forward([(level, None) for level in inputs])
