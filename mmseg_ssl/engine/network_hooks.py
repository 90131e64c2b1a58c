"""Networks that run compiled, or that remember less; see :mod:`mmseg_ssl.models.network_speed`."""

from typing import Any

from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from ..models.network_speed import checkpoint_activations, compile_networks
from .bare_model import bare_model


@HOOKS.register_module()
class CompileNetworks(Hook):
    """Compiles backbones and necks before training: ``tools/train.py --compile``, or ``compile=True`` in a config.

    Args:
        **options: As for ``torch.compile``, e.g. ``mode='max-autotune'``.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_train(self, runner: Any) -> None:
        """Compile them.

        Args:
            runner: The runner.
        """
        count = compile_networks(bare_model(runner), **self.options)
        runner.logger.info(f'{count} backbones and necks are compiled when they are first called.')


@HOOKS.register_module()
class CheckpointActivations(Hook):
    """Saves memory before training starts: ``tools/train.py --checkpoint-activations``."""

    def before_train(self, runner: Any) -> None:
        """Wrap the blocks of all backbones.

        Args:
            runner: The runner.
        """
        count = checkpoint_activations(bare_model(runner))
        runner.logger.info(f'{count} blocks of backbones are computed twice, which saves their activations.')
