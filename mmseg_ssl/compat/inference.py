"""Patches of the host's inference, see :mod:`mmseg_ssl.compat`."""

import functools
from typing import Any, Callable

from torch import nn


def patch_inference_weights() -> None:
    """Refuse to predict with random weights in ``init_model`` and ``MMSegInferencer``.

    The host warns of weights that a checkpoint lacks, in a list of hundreds, and predicts. For models of this package
    that is an error. To predict all the same, build the model without a checkpoint and call mmengine's
    ``load_checkpoint``.
    """
    from mmseg.apis import MMSegInferencer, inference

    from ..utils.weights import load_weights

    def refuse_misfits(model: nn.Module, checkpoint: Any, source: str) -> None:
        if hasattr(model, 'predictors') and checkpoint is not None:
            load_weights(model, checkpoint, source, 'predict')

    if hasattr(inference.load_checkpoint, '__wrapped__'):
        return
    load_file: Callable = inference.load_checkpoint
    load_read: Callable = MMSegInferencer._load_weights_to_model

    @functools.wraps(load_file)
    def load_checkpoint(model: nn.Module, filename: str, *args: Any, **kwargs: Any) -> Any:
        checkpoint = load_file(model, filename, *args, **kwargs)
        refuse_misfits(model, checkpoint, str(filename))
        return checkpoint

    @functools.wraps(load_read)
    def load_weights_to_model(self: Any, model: nn.Module, checkpoint: Any, cfg: Any) -> None:
        refuse_misfits(model, checkpoint, 'the checkpoint')
        load_read(self, model, checkpoint, cfg)

    inference.load_checkpoint = load_checkpoint
    MMSegInferencer._load_weights_to_model = load_weights_to_model
