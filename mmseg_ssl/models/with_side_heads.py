"""Side heads in a decode head of plain mmseg, without a method of this package around the network."""

from functools import lru_cache
from typing import Any, Dict, List, Optional

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ..errors import NetworkError
from ..ops import class_logits
from ..structures import Prediction
from .decoding import classifier_of, decode, decode_losses
from .side_heads.side_heads import SideHeads


class SideHeadsMixin:
    """Mixin in front of a class of decode heads: ``class MyHead(SideHeadsMixin, FCNHead)``.

    The losses of the side heads join the head's own, so that a plain ``EncoderDecoder`` trains them; predictions stay
    the host's. A method of this package takes its side heads itself, also those of a plain training
    (:class:`Supervised`), and then gives their maps at inference, too.

    Args:
        *args: As for the class.
        side_heads: Configs by name, see :class:`SideHeads`.
        **kwargs: As for the class.

    Raises:
        NetworkError: The head does not end in ``conv_seg``, so that there is no embedding.
    """

    def __init__(self, *args: Any, side_heads: Optional[Dict[str, dict]] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        classifier = classifier_of(self)  # type: ignore[arg-type]  # beside it in the bases stands a decode head
        if classifier is None:
            raise NetworkError(f'WithSideHeads: {type(self).__mro__[2].__name__} does not end in conv_seg.')
        self.side_heads = SideHeads(side_heads, classifier, self.num_classes)  # type: ignore[attr-defined]

    def loss(self: Any, inputs: Any, batch_data_samples: List[SegDataSample], train_cfg: dict) -> Dict[str, Tensor]:
        """Compute the head's losses and those of its side heads.

        Args:
            inputs: What the backbone gave.
            batch_data_samples: Labeled samples.
            train_cfg: The segmentor's.

        Returns:
            The host's dict, with ``loss_<name>`` of each side head that has a loss.
        """
        label = torch.cat([sample.gt_sem_seg.data for sample in batch_data_samples])
        size = label.shape[1:]
        decoded = decode(self, inputs, size)
        losses = decode_losses(self, decoded.logits, decoded.outputs, inputs, batch_data_samples, train_cfg)
        taught = self.side_heads.taught  # no prediction leaves this head, so the other maps would be for nothing
        if not taught:
            return losses
        logits = class_logits(decoded.logits.float())
        logits = resize(logits, size=size, mode='bilinear', align_corners=self.align_corners)
        side = self.side_heads.maps(decoded.embedding, logits, self.align_corners, taught)
        losses.update(self.side_heads.losses(Prediction(logits, decoded.embedding, inputs, side), label))
        return losses


@MODELS.register_module(name='WithSideHeads')
def with_side_heads(of: str, side_heads: Dict[str, dict], **kwargs: Any) -> BaseDecodeHead:
    """Build a decode head of the host's with side heads.

    In a config that inherits from one of mmseg's, whose head is a ``PSPHead``::

        decode_head = dict(type='WithSideHeads', of='PSPHead', side_heads=dict(variance=dict(type='VarianceHead')))

    Args:
        of: Class of the decode head.
        side_heads: Configs by name, see :class:`SideHeadsMixin`.
        **kwargs: As for the class.

    Returns:
        A head of a class ``<of>WithSideHeads``, which is one of ``of``, too.

    Raises:
        NetworkError: There is no such class of decode heads.
    """
    kind = MODELS.get(of)
    if not isinstance(kind, type) or not issubclass(kind, BaseDecodeHead):
        raise NetworkError(f'WithSideHeads: of={of!r} is no decode head of mmseg, such as FCNHead or PSPHead.')
    return _class_of(kind)(side_heads=side_heads, **kwargs)


@lru_cache(maxsize=None)
def _class_of(kind: type) -> Any:
    return type(f'{kind.__name__}WithSideHeads', (SideHeadsMixin, kind), {})
