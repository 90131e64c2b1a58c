"""Images of a training step of a plain network, for losses that read colors, see :mod:`mmseg_ssl.compat`."""

from contextvars import ContextVar
from functools import wraps
from typing import Any, List, NamedTuple, Optional


class StepImages(NamedTuple):
    """A batch on its way through a network.

    Attributes:
        inputs: ``(B, 3, H, W)``, normalized.
        samples: Their samples.
        preprocessor: What normalized them.
    """

    inputs: Any
    samples: List[Any]
    preprocessor: Any


_CURRENT: ContextVar[Optional[StepImages]] = ContextVar('step_images', default=None)


def keep_step_images() -> None:
    """Let losses of a plain ``EncoderDecoder`` ask for the images of the step, of which mmseg hands them logits alone.

    Only where such a loss is built; nothing is copied, and after the step nothing is held.
    """
    from mmseg.models.segmentors import EncoderDecoder

    loss = EncoderDecoder.loss
    if hasattr(loss, 'keeps_step_images'):
        return

    @wraps(loss)
    def loss_with_images(self: Any, inputs: Any, data_samples: List[Any]) -> dict:
        token = _CURRENT.set(StepImages(inputs, data_samples, self.data_preprocessor))
        try:
            return loss(self, inputs, data_samples)
        finally:
            _CURRENT.reset(token)

    loss_with_images.keeps_step_images = True  # type: ignore[attr-defined]
    EncoderDecoder.loss = loss_with_images


def step_images() -> Optional[StepImages]:
    """Return the batch of the step; None outside of the loss of a plain ``EncoderDecoder``."""
    return _CURRENT.get()
