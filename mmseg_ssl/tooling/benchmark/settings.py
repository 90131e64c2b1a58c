"""How a measured step is computed: words such as ``bf16+channels_last+compile``."""

from typing import Set

import torch
from mmengine.config import Config
from torch import nn

from ...errors import UserError
from ...models.network_speed import checkpoint_activations, compile_networks

SHIPPED = 'shipped'
"""As the config says: its precision and its layout."""
BASE = 'fp32'
"""Single precision and the usual layout; what the others are compared with."""
WORDS = (BASE, 'bf16', 'fp16', 'channels_last', 'compile', 'checkpointing')


def check_setting(setting: str, device: str) -> None:
    """Refuse what cannot be measured.

    Args:
        setting: ``'shipped'``, or words of :data:`WORDS` with ``+`` between them; fp32 unless it says otherwise.
        device: The device.

    Raises:
        UserError: It has an unknown word, several precisions, or one that the device does not have.
    """
    words = set(setting.split('+'))
    if setting != SHIPPED and not words <= set(WORDS):
        raise UserError(f'--settings {setting}: take {SHIPPED}, or words of {", ".join(WORDS)} with + between them.')
    if len(words & set(WORDS[:3])) > 1:
        raise UserError(f'--settings {setting}: name one precision.')
    if {'compile', 'checkpointing'} <= words:
        raise UserError(f'--settings {setting}: compile and checkpointing exclude each other.')
    if 'fp16' in words and not device.startswith('cuda'):
        raise UserError(f'--settings {setting}: fp16 needs --device cuda. Take bf16.')


def set_config(cfg: Config, setting: str, device: str) -> None:
    """Write precision and layout into a config.

    Args:
        cfg: The config of a method, changed in place.
        setting: The setting.
        device: The device; a config with float16 is measured with bfloat16 on a CPU.
    """
    wrapper, words = cfg.optim_wrapper, _words(setting)
    for name in ('accumulative_counts', 'loss_scale', 'dtype', 'emulated'):
        wrapper.pop(name, None)
    if setting != SHIPPED:
        wrapper.type = 'OptimWrapper'
        cfg.model.data_preprocessor.channels_last = 'channels_last' in words
    half = wrapper.get('type') == 'AmpOptimWrapper' or 'fp16' in words
    if half and torch.device(device).type == 'cuda':
        wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    elif half or 'bf16' in words:
        wrapper.update(type='Bf16OptimWrapper', emulated=True)  # measured as the word says, slow or not


def set_networks(model: nn.Module, setting: str) -> None:
    """Compile networks or checkpoint their activations."""
    if 'compile' in _words(setting):
        compile_networks(model)
    if 'checkpointing' in _words(setting):
        checkpoint_activations(model)


def _words(setting: str) -> Set[str]:
    return set(setting.split('+'))
