"""Rules for ``optim_wrapper.paramwise_cfg``, whose keys the host compares with names, and ignores if they fit none."""

import difflib
from typing import Any, Iterator, List, Mapping

from torch import nn

PARAMWISE = {
    *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult', 'dwconv_decay_mult'),
    *('dcn_offset_lr_mult', 'bypass_duplicate'),
}
"""Settings of ``paramwise_cfg``, of which the host reads those that it knows."""
LAYER_DECAY = {'num_layers', 'decay_rate', 'decay_type', 'layer_decay_rate'}
PARTS = {'backbone', 'neck', 'decode_head', 'auxiliary_head', 'side_heads', 'localizer', 'auxiliary', 'teacher'}
"""Parts that some networks and methods have; schedules name them for all."""


def paramwise_problems(paramwise: Mapping[str, Any], constructor: str, model: nn.Module) -> Iterator[str]:
    """Yield misspelled settings of ``optim_wrapper.paramwise_cfg``; nothing else would look at them.

    Args:
        paramwise: The setting.
        constructor: Type of the constructor that reads it.
        model: The bare model.
    """
    known = PARAMWISE | (LAYER_DECAY if 'Decay' in constructor else set())
    for key in paramwise:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
        if key not in known and near:
            yield f'optim_wrapper.paramwise_cfg has no {key}, which would do nothing; did you mean {near[0]}?'
    names = trained_names(model)
    parts = PARTS | {part for name in names for part in name.split('.')}
    for key in unmatched(paramwise, names):
        near = difflib.get_close_matches(key.split('.')[-1], parts, n=1, cutoff=0.8)
        if near and key.split('.')[-1] not in parts:
            yield f'optim_wrapper.paramwise_cfg.custom_keys: no weight is named {key}; did you mean {near[0]}?'


def paramwise_warnings(paramwise: Mapping[str, Any], model: nn.Module) -> Iterator[str]:
    """Yield keys of ``paramwise_cfg.custom_keys`` that are in no trained weight's name.

    Args:
        paramwise: The setting.
        model: The bare model.
    """
    names = trained_names(model)
    for key in unmatched(paramwise, names):
        if key not in PARTS:
            yield (
                f'optim_wrapper.paramwise_cfg.custom_keys: {key!r} is in the name of no trained weight, so its '
                f'settings do nothing; names are such as {names[0] if names else "none"}.'
            )


def unmatched(paramwise: Mapping[str, Any], names: List[str]) -> List[str]:
    """List the keys of ``custom_keys`` that are part of no name."""
    return [key for key in paramwise.get('custom_keys') or {} if not any(key in name for name in names)]


def trained_names(model: nn.Module) -> List[str]:
    """List the names of the weights that are trained."""
    return [name for name, values in model.named_parameters() if values.requires_grad]
