"""Patch of the host's start of a training, see :mod:`mmseg_ssl.compat`."""

from typing import Any


def patch_initial_weights() -> None:
    """Let a model that was initialized before it was divided over the processes keep its weights.

    ``Runner._init_model_weights`` runs after the model is wrapped and the optimizer is built, and broadcasts every
    tensor of the model: ``torch.distributed.broadcast`` does not take the divided ones.
    """
    from mmengine.runner import Runner

    original = Runner._init_model_weights
    if getattr(original, 'asks_model', False):
        return

    def init_model_weights(self: Any) -> None:
        if not getattr(self.model, 'has_weights', False):
            original(self)

    init_model_weights.asks_model = True  # type: ignore[attr-defined]
    Runner._init_model_weights = init_model_weights
