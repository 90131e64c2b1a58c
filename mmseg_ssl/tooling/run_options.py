"""Separates settings that decide the numbers of a run from those that only concern the machine."""

import hashlib
import re
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

from mmengine.config import Config
from mmseg.registry import MODELS

from ..engine.run_length import to_iteration

COMPARED = ('model', 'optim_wrapper', 'train_dataloader', 'test_dataloader', 'custom_hooks')
"""Parts of a config whose changes make another row of a table."""
CONDITIONS = (*COMPARED, 'param_scheduler', 'train_cfg', 'load_from')
LOADING = re.compile(r'num_workers$|persistent_workers$|prefetch_factor$')
"""Settings of how a machine loads images, which do not change them."""
NOT_A_CONDITION = re.compile(
    rf'{LOADING.pattern}|dataset\.split|sampler\.seed|auto_scale_lr|\.pseudo_labels|^model\.predict_on'
)
"""Settings that may differ between runs of one row, or do not change the numbers."""
OF_THE_TEST = re.compile(r'test_dataloader\b|model\.predict_on$')
"""Settings that a training does not use."""
SAME_STEPS = ('DefaultOptimWrapperConstructor', 'MergedOptimWrapperConstructor')
"""Constructors that only differ in how parameters are grouped: a run is of the same row with either."""
PLACES = re.compile(r'data_root$|val_interval$|max_iters$')
"""Settings that are not part of a digest: places of files, and what is stored beside the digest."""


def networks_of(model: Any) -> Tuple[str, ...]:
    """Return the names of all networks of a method, first the one that inference uses.

    Args:
        model: Its config.

    Returns:
        The names, the first of ``predict_on`` before the others; empty for a model that is no method.
    """
    known = tuple(getattr(MODELS.get(model.type), 'networks', ()))
    chosen = model.get('predict_on') or known
    chosen = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    return tuple(dict.fromkeys([*chosen, *known]))


def changed_options(committed: Optional[Path], cfg: Config, trained: Optional[Config] = None) -> Tuple[str, ...]:
    """Return ``key=value`` of every change to the model, optimizer, schedule, first weights and data of a config.

    Args:
        committed: File of the committed config; without one nothing is known to be changed.
        cfg: The config of the run, as its test has it.
        trained: That of its training's first process, whose changes the test's config need not have. None if it is not
            there.
    """
    base = Config.fromfile(str(committed)) if committed else None
    old, new = _settings(base or cfg, COMPARED), _settings(cfg, COMPARED)
    if trained:
        was = _settings(trained, COMPARED)
        # a test may be given the committed config; what it changes itself is the test's
        for key in [key for key in {**new, **was} if not OF_THE_TEST.match(key) and new.get(key) == old.get(key)]:
            new[key] = was.get(key)
        old.update(_begin(base or trained))
        new.update(_begin(trained))
        # a process that resumed does not know; of configs that start from a training, each draw has its own
        if trained.get('resume') or (old['load_from'] and new['load_from']):
            new['load_from'] = old['load_from']
    length = cfg.train_cfg.max_iters
    changed = [key for key in sorted({**old, **new}) if not _same(old.get(key), new.get(key), length)]
    return tuple(f'{key}={new.get(key)}' for key in changed)


def digest_of(cfg: Config) -> str:
    """Hash all settings of a config that decide the numbers of a run, except list, seed and length; first digits.

    Args:
        cfg: The whole config.

    Returns:
        Eight hexadecimal digits; equal on every machine and stack.
    """
    settings = {key: value for key, value in _settings(cfg, CONDITIONS).items() if not PLACES.search(key)}
    text = '\n'.join(f'{key}={settings[key]!r}' for key in sorted(settings))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _same(committed: Any, value: Any, length: int) -> bool:
    """Check if a run's setting is the committed one, even if the run has iterations and the config a share."""
    if isinstance(committed, float) and type(value) is int and 0 < committed < 1:
        return to_iteration(committed, length) == value
    return committed == value


def _settings(cfg: Config, parts: Tuple[str, ...]) -> Dict[str, Any]:
    """Return the conditions by dotted key; of ``predict_on`` only the reported network counts."""
    leaves = dict(_flat({part: cfg.get(part) for part in parts}))
    kept = {key: value for key, value in leaves.items() if not NOT_A_CONDITION.search(key)}
    if kept.get('optim_wrapper.constructor') in SAME_STEPS:
        del kept['optim_wrapper.constructor']
    names = networks_of(cfg.model)
    return dict(kept, **{'model.predict_on': names[0]}) if names else kept


def _begin(cfg: Config) -> Dict[str, Any]:
    """Return schedule and first weights by dotted key."""
    return dict(_flat(cfg.get('param_scheduler'), 'param_scheduler'), load_from=cfg.get('load_from'))


def _flat(value: Any, key: str = '') -> Iterator[Tuple[str, Any]]:
    """Yield the leaves of a nested config by dotted key."""
    nested = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    if not isinstance(value, (dict, list, tuple)):
        yield key, value
    for name, item in nested:
        yield from _flat(item, f'{key}.{name}' if key else str(name))
