"""Named side heads of a network: their maps and their losses."""

from typing import Any, Dict, Optional

from mmengine.model import ModuleDict
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...structures import Prediction


class SideHeads(ModuleDict):
    """Side heads by name.

    A side head is a module ``(embedding, logits) -> map``, built with the ``in_channels`` of the embedding and
    ``num_classes``; a true attribute ``per_pixel`` has its map resized to the size of the image, a false attribute
    ``reads_embedding`` says that the logits are enough. One with a ``loss_weight`` above 0 brings
    ``loss(pred, map, label)`` for labeled images.

    Args:
        configs: Their configs by name.
        classifier: Last convolution of the decode head, whose input is the embedding; None if it has none.
        num_classes: ``C``.
    """

    def __init__(self, configs: Optional[Dict[str, dict]], classifier: Optional[nn.Module], num_classes: int) -> None:
        known: Dict[str, Any] = dict(in_channels=getattr(classifier, 'in_channels', 0), num_classes=num_classes)
        super().__init__({name: MODELS.build(cfg, default_args=known) for name, cfg in (configs or {}).items()})

    @property
    def taught(self) -> Dict[str, Any]:
        """Return the heads that have a loss, by name."""
        return {name: head for name, head in self.items() if getattr(head, 'loss_weight', 0) > 0}

    def maps(
        self,
        embedding: Optional[Tensor],
        logits: Tensor,
        align_corners: bool,
        heads: Optional[Dict[str, Any]] = None,
    ) -> Dict[str, Tensor]:
        """Compute the maps.

        Args:
            embedding: ``(B, D, h, w)``.
            logits: ``(B, C, H, W)``, whose size maps per pixel get.
            align_corners: How they are resized.
            heads: Only of these heads, by name; of all if not given.

        Returns:
            The maps by name.
        """
        maps = {}
        for name, head in (self if heads is None else heads).items():
            values = head(embedding, logits)
            if getattr(head, 'per_pixel', False) and values.shape[2:] != logits.shape[2:]:
                values = resize(values, size=logits.shape[2:], mode='bilinear', align_corners=align_corners)
            maps[name] = values
        return maps

    def losses(self, pred: Prediction, label: Tensor) -> Dict[str, Tensor]:
        """Compute the losses of the heads that have one.

        Args:
            pred: Prediction of labeled images, with the maps.
            label: ``(B, H, W)`` int64.

        Returns:
            The losses as ``loss_<name>``.
        """
        return {f'loss_{name}': head.loss(pred, pred.side[name], label) for name, head in self.taught.items()}
