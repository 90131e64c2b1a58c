"""One vector per image: the mean of a network's features, for the distance between images."""

from types import TracebackType
from typing import Any, List, Optional, Type

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

from ...apis.network import segmentor_of
from ...models.decoding import classifier_of
from ..cli import UserError

FEATURES = ('backbone', 'head')


class PooledFeatures:
    """Watches a network predict, and returns the mean of its features over an image; tiles and windows are averaged.

    Args:
        model: A method of this package or a plain mmseg model.
        kind: ``'backbone'``, its last map, or ``'head'``, what the decode head's last convolution reads.

    Raises:
        UserError: The head does not end in such a convolution.
    """

    def __init__(self, model: Any, kind: str) -> None:
        segmentor = segmentor_of(model)
        self.seen: List[Tensor] = []
        if kind == 'backbone':
            self.hook = segmentor.backbone.register_forward_hook(lambda _, __, maps: self._see(maps))
            return
        classifier = classifier_of(segmentor.decode_head)
        if classifier is None:
            name = type(segmentor.decode_head).__name__
            raise UserError(f'{name} does not end in a convolution conv_seg. Take --features backbone.')
        self.hook = classifier.register_forward_pre_hook(lambda _, inputs: self._see(inputs))

    def __enter__(self) -> 'PooledFeatures':
        """Return itself; at the end of the block it no longer watches."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Stop watching."""
        self.hook.remove()

    def take(self) -> np.ndarray:
        """Return the mean ``(D,)`` fp32 since the last call, and forget it."""
        mean = torch.stack(self.seen).mean(dim=0).cpu().numpy()
        self.seen.clear()
        return mean

    def _see(self, nest: Any) -> None:
        maps = [value for value in tree_flatten(nest)[0] if isinstance(value, Tensor) and value.dim() == 4]
        if not maps:
            raise UserError('the backbone returns no map (B, D, h, w), so images cannot be compared by it.')
        self.seen.append(maps[-1].float().mean(dim=(0, 2, 3)))
