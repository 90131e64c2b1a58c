"""Potts loss for any decode head of a plain network."""

from typing import Any

from mmseg.registry import MODELS
from torch import Tensor

from ..compat.step_images import keep_step_images, step_images
from ..errors import NetworkError
from ..ops import class_logits
from ..ops.colors import three_channels
from ..structures import IGNORE_INDEX, Scribbles
from .losses import PottsCost
from .sample_pixels import valid_pixels


@MODELS.register_module()
class PottsLoss(PottsCost):
    """Potts cost of a decode head's prediction as a further loss of a plain ``EncoderDecoder``, for sparse masks.

    ``loss_decode=[dict(type='CrossEntropyLoss', avg_non_ignore=True), dict(type='PottsLoss', weight=6.0)]``: neighbors
    of similar color should have similar predictions. The colors are those of the step's images, without their
    normalization (gray of one channel, the first three of four); padding does not count. Pixels with the ignored label
    are the unlabeled ones, void ones, too.

    Args:
        *args: As for :class:`PottsCost`.
        **kwargs: As for :class:`PottsCost`.
    """

    loss_name = 'loss_potts'
    """Its key in the host's losses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_step_images()

    def forward(  # type: ignore[override]  # the host's arguments of losses
        self, cls_score: Tensor, label: Tensor, ignore_index: int = IGNORE_INDEX, **kwargs: Any
    ) -> Tensor:
        """Compute the loss of a batch.

        Args:
            cls_score: Logits ``(B, C, H, W)``, or ``(B, 1, H, W)`` of two classes.
            label: ``(B, H, W)`` int64.
            ignore_index: Label of pixels without one.
            **kwargs: Other arguments of decode heads (``weight`` of a sampler); not used.

        Returns:
            A scalar, at least 0 up to rounding.

        Raises:
            NetworkError: The head is not that of a plain ``EncoderDecoder`` in training.
        """
        step = step_images()
        if step is None or step.inputs.shape[2:] != label.shape[1:]:
            raise NetworkError(
                'PottsLoss reads the images of the step, which a plain EncoderDecoder has, with masks of their size. '
                'Within a method of mmseg_ssl take PottsRegularized.'
            )
        images = step.inputs
        if getattr(step.preprocessor, '_enable_normalize', False):
            images = images * step.preprocessor.std + step.preprocessor.mean
        seeds = label.where(label != ignore_index, IGNORE_INDEX)
        scribbles = Scribbles(three_channels(images).float(), seeds, valid_pixels(step.samples, images))
        return super().forward(class_logits(cls_score.float()).softmax(dim=1), scribbles)
