"""Settings of the optimizer in a resumed run: those of its config."""

from typing import Any, Dict, Iterator, List, Set, Tuple

from mmengine.optim import OptimWrapperDict

NAME = 'optimizer_settings'


def note_settings(runner: Any) -> None:
    """Let the checkpoints of a run remember the settings with which its optimizers were built.

    Some optimizers keep their progress beside their settings, so that the saved values do not tell what was changed.

    Args:
        runner: The runner, right before training; one that was resumed remembers them.
    """
    if runner.iter == 0:
        runner.message_hub.update_info(NAME, {name: _built(wrapper) for name, wrapper in _wrappers(runner)})


def fit_settings(runner: Any, checkpoint: Dict[str, Any]) -> List[str]:
    """Put settings that the config has changed into a checkpoint that is about to be resumed.

    torch loads weight decay, momentum and the like along with an optimizer's state, and the learning rate, too, where
    no schedule sets it. What a schedule sets stays, and so does an optimizer of other groups.

    Args:
        runner: The runner, whose optimizers are built and have not been stepped.
        checkpoint: The loaded checkpoint; its ``optimizer`` and ``message_hub`` are changed in place.

    Returns:
        Names of the settings that changed.
    """
    known = checkpoint.get('message_hub', {}).get('runtime_info', {}).get(NAME)
    if not known or 'optimizer' not in checkpoint:
        return []
    changed = []
    for name, wrapper in _wrappers(runner):
        saved = checkpoint['optimizer'].get(name, {}) if name else checkpoint['optimizer']
        groups, fresh, before = saved.get('param_groups', []), _built(wrapper), known.get(name)
        if not before or _sizes(groups) != _sizes(wrapper.optimizer.param_groups):
            continue
        scheduled = _scheduled(runner.param_schedulers, name)
        base = filter(None, [saved.get('base_param_settings')])  # what the logs call base_lr
        for group, old, new in zip([*groups, *base], before, fresh):
            for key in new.keys() - scheduled:
                left = group.pop(f'initial_{key}', None) is not None  # by a schedule that the config no longer has
                if left or new[key] != old.get(key):
                    group[key] = new[key]
                    changed.append(key)
        known[name] = fresh
    return sorted(set(changed))


def _wrappers(runner: Any) -> Iterator[Tuple[str, Any]]:
    wrapper = runner.optim_wrapper
    yield from wrapper.items() if isinstance(wrapper, OptimWrapperDict) else [('', wrapper)]


def _built(wrapper: Any) -> List[Dict[str, Any]]:
    """List the settings of each group, at the first step of what is scheduled; tensors and the like are none."""
    return [
        {
            key: value
            for key, value in group.items()
            if key != 'params' and not key.startswith('initial_') and _is_setting(value)
        }
        for group in wrapper.param_groups
    ]


def _is_setting(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_setting(part) for part in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _sizes(groups: List[Dict[str, Any]]) -> List[int]:
    return [len(group['params']) for group in groups]


def _scheduled(schedulers: Any, name: str) -> Set[str]:
    """Return what schedules set; that of a momentum sets Adam's betas."""
    schedulers = schedulers.get(name, []) if isinstance(schedulers, dict) else schedulers or []
    names = {scheduler.param_name for scheduler in schedulers}
    return names | {'betas'} if 'momentum' in names else names
