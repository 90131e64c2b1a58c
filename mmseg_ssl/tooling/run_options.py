"""What a run changed of its committed config."""

import re
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

from mmengine.config import Config

from ..engine.run_length import to_iteration

NOT_A_CONDITION = re.compile(
    r'num_workers|persistent_workers|dataset\.split|sampler\.seed|auto_scale_lr|\.pseudo_labels'
)
"""Settings that differ between runs of one row, or that do not change the numbers."""


def changed_options(committed: Optional[Path], cfg: Config) -> Tuple[str, ...]:
    """What a run changed in the model, the optimizer and the data of the committed config."""
    before = Config.fromfile(str(committed)) if committed else cfg
    parts = ('model', 'optim_wrapper', 'train_dataloader', 'test_dataloader', 'custom_hooks')
    old, new = (dict(_flat({part: it.get(part) for part in parts})) for it in (before, cfg))
    length = cfg.train_cfg.max_iters
    changed = [key for key in sorted({**old, **new}) if not _same(old.get(key), new.get(key), length)]
    return tuple(f'{key}={new.get(key)}' for key in changed if not NOT_A_CONDITION.search(key))


def _same(committed: Any, value: Any, length: int) -> bool:
    """Say whether a run's setting is the committed one, also where the run has iterations and the config a share."""
    if isinstance(committed, float) and type(value) is int and 0 < committed < 1:
        return to_iteration(committed, length) == value
    return committed == value


def _flat(value: Any, key: str = '') -> Iterator[Tuple[str, Any]]:
    """Leaves of a nested config by dotted key."""
    nested = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    if not isinstance(value, (dict, list, tuple)):
        yield key, value
    for name, item in nested:
        yield from _flat(item, f'{key}.{name}' if key else str(name))
