"""Patch of the host's loading of pretrained weights, see :mod:`mmseg_ssl.compat`."""

from typing import Any


def patch_pretrained_weights() -> None:
    """Refuse a file of pretrained weights of which a module takes none: it would train from random ones.

    ``PretrainedInit`` loads what fits and lists the rest in the log, also where nothing fits, as with the names of
    another library.
    """
    from mmengine.model.weight_init import PretrainedInit

    from ..utils.weights import WeightsError

    original = PretrainedInit.__call__
    if getattr(original, 'asks_for_some', False):
        return

    def call(self: Any, module: Any) -> None:
        # BatchNorm writes its counter, whatever the file holds
        tensors = [one for one in (*module.parameters(), *module.buffers()) if one.is_floating_point()]
        before = [tensor._version for tensor in tensors]  # counts what is written in place
        original(self, module)
        if tensors and before == [tensor._version for tensor in tensors]:
            raise WeightsError(
                f'{self.checkpoint} holds no weight of {type(module).__name__}: all of it would be random. Its names '
                'or shapes are of another network. Take the file of this one; or give init_cfg.prefix, if all names '
                "have one (prefix='backbone.'); or set init_cfg=None for random weights."
            )

    call.asks_for_some = True  # type: ignore[attr-defined]
    PretrainedInit.__call__ = call
