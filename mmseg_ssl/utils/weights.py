"""Loads the weights of a checkpoint, and refuses one that lacks weights which the network needs."""

import logging
import re
from typing import Any, Dict, List, NamedTuple, Set

from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor

from ..errors import UserError

NETWORK = re.compile(r'(\w+)\.(?:network\.)?segmentor\.')
"""Keys of a method's checkpoint: ``student.segmentor...``, ``teacher.network.segmentor...``."""
MISSHAPEN = re.compile(r'size mismatch for (\S+): .*?torch\.Size\((\[.*?\])\).*?torch\.Size\((\[.*?\])\)')
"""Torch's message for a weight of another shape: its key, its shape in the checkpoint and in the model."""
IDLE = ('auxiliary_head.', 'side_heads.')
"""Parts of a network that its prediction does not depend on."""


class WeightsError(UserError):
    """A checkpoint lacks weights; the message says which, what it holds, and why that may be."""


class _Loaded(NamedTuple):
    given: Dict[str, Any]  # weights of the checkpoint, without 'module.'
    missing: List[str]  # keys of the model that the checkpoint lacks
    misshapen: Dict[str, str]  # keys of the model -> shapes in the checkpoint and in the model


def load_weights(model: Any, checkpoint: Dict[str, Any], source: str, use: str, allow_missing: bool = False) -> None:
    """Load all weights that fit, and refuse a checkpoint that does not fit its use.

    To ``'predict'``, the networks of ``predict_on`` need all weights that a prediction depends on; to ``'resume'``, all
    weights are needed. To ``'train'``, some weights of a backbone must fit; the others (a head for other classes) keep
    their initialization, which is logged.

    Args:
        model: A method of this package or any model, bare or wrapped.
        checkpoint: Weights, or a dict with ``state_dict``. Plain mmseg weights go into every network; a leading
            ``module.`` is removed.
        source: Name of the checkpoint in the message.
        use: ``'predict'``, ``'train'`` or ``'resume'``.
        allow_missing: Only warn.

    Raises:
        WeightsError: The checkpoint does not fit.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    loaded = _load_fitting(model, checkpoint, source)
    lost = {*loaded.missing, *loaded.misshapen}
    everything = {key for key in model.state_dict() if not key.endswith('num_batches_tracked')}
    if use == 'train':
        vital = {key for key in everything if 'backbone.' in key} or everything
        fits = bool(vital - lost) or not vital
    else:
        vital = everything & _predicting(model, everything) if use == 'predict' else everything
        fits = not vital & lost
    if not fits and not allow_missing:
        raise WeightsError(_misfit_message(model, loaded, source, use, vital))
    fresh = sorted(everything & lost)
    if fresh:
        shown = ', '.join(f'{key} {loaded.misshapen.get(key, "")}'.strip() for key in fresh[:3])
        more = ', ...' if len(fresh) > 3 else ''
        text = f'{source}: {len(fresh)} of {len(everything)} weights are not in it and stay initialized: {shown}{more}'
        print_log(text, 'current', level=logging.WARNING)


def _load_fitting(model: Any, checkpoint: Any, source: str) -> _Loaded:
    """Load all weights that fit; torch raises an error for wrong shapes before it reports missing keys."""
    given = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else checkpoint
    if not isinstance(given, dict):
        raise WeightsError(f'{source} holds a {type(given).__name__}; a checkpoint is a dict of weights by name.')
    given = {re.sub(r'^module\.', '', str(key)): value for key, value in given.items()}
    weights = {key: value for key, value in given.items() if isinstance(value, Tensor)}
    if hasattr(model, 'spread_plain_weights'):
        model.spread_plain_weights(weights)
    misshapen = {}
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        found = MISSHAPEN.findall(str(error))
        if not found:
            raise
        misshapen = {key: f'({there} there, {here} here)' for key, there, here in found}
        rest = {key: value for key, value in weights.items() if key not in misshapen}
        missing = model.load_state_dict(rest, strict=False).missing_keys
    return _Loaded(given, [key for key in missing if key not in misshapen], misshapen)


def _predicting(model: Any, keys: Set[str]) -> Set[str]:
    """Return the weights that the predictions of a model depend on."""
    needed = keys
    if hasattr(model, 'predictors'):
        paths = {id(module): path for path, module in model.named_modules()}
        parts = [part for name in model.predictors for part in model.inference_of(name).parts]
        # a frozen teacher is no submodule, and needs nothing of the checkpoint
        prefixes = tuple(f'{paths[id(part)]}.' for part in parts if id(part) in paths)
        needed = {key for key in keys if key.startswith(prefixes)}
    return {key for key in needed if not any(idle in key for idle in IDLE)}


def _misfit_message(model: Any, loaded: _Loaded, source: str, use: str, vital: Set[str]) -> str:
    """Say which weights are missing, what the checkpoint holds, and the likely cause."""
    lost = [key for key in model.state_dict() if key in vital and key in {*loaded.misshapen, *loaded.missing}]
    name = f'{type(model).__name__} of the config'
    first = f'{lost[0]} {loaded.misshapen.get(lost[0], "")}'.strip()
    if use == 'train':
        text = f'{source} has nothing for a backbone of the {name}, which wants weights such as {first}.'
    else:
        text = (
            f'{source} lacks {len(lost)} of the {len(vital)} weights that the {name} needs to {use}, such as {first}.'
        )
    names = list(loaded.given)
    shown = ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')
    return f'{text} It holds {len(names)} entries: {shown}.\nLikely cause: {_likely_cause(model, loaded, source, lost)}'


def _likely_cause(model: Any, loaded: _Loaded, source: str, lost: List[str]) -> str:
    """Guess from the names and shapes of the weights why they do not fit, and say what to do."""
    networks = sorted({found.group(1) for found in map(NETWORK.match, loaded.given) if found})
    own = tuple(getattr(model, 'networks', ()))
    if all(key in loaded.misshapen for key in lost):
        if all('conv_seg' in key for key in lost):
            return (
                f'another number of classes: {lost[0]} {loaded.misshapen[lost[0]]}. Take num_classes of its training.'
            )
        return 'the same kind of network in another size. Take the config of its training.'
    if networks and not own:
        return (
            f"it is of a method with the networks {', '.join(networks)}; this config is plain mmseg's. "
            'tools/export_segmentor.py writes one of them as a plain checkpoint.'
        )
    if networks and not set(networks) <= set(own):
        return (
            f'it is of a method with the networks {", ".join(networks)}, the config is of one with {", ".join(own)}. '
            'Take the config of its training, or tools/export_segmentor.py to make one network a plain checkpoint.'
        )
    absent = sorted({found.group(1) for found in map(NETWORK.match, lost) if found} - set(networks))
    if networks and absent:
        return f'it has no {", ".join(absent)}. Predict with another network: --predict-on {" ".join(networks)}.'
    nested = [key for key, value in loaded.given.items() if isinstance(value, dict)]
    if nested and not any(isinstance(value, Tensor) for value in loaded.given.values()):
        return f'its weights are inside the entry {nested[0]!r}. Save that one alone.'
    keys = sorted({*model.state_dict(), *(NETWORK.sub('', key) for key in model.state_dict())}, key=len)
    inner = next((key[: -len(end)] for key in loaded.given for end in keys if key.endswith(f'.{end}')), '')
    if inner:
        return (
            f'its names begin with {inner!r}. Save them without: {{k[{len(inner)}:]: v for k, v in weights.items()}}.'
        )
    if any(key.split('backbone.')[-1] in loaded.given for key in lost if 'backbone.' in key):
        return (
            'it is of a backbone alone. Train from it with '
            f'model.segmentor.backbone.init_cfg=dict(type="Pretrained", checkpoint="{source}").'
        )
    return 'it is of another network. Take the config of its training.'
