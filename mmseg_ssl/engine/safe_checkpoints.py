"""Safe checkpoints for configs that name the host's hook, or none."""

from typing import Any

from mmengine.hooks import CheckpointHook
from mmseg.registry import HOOKS

from .checkpoint_hook import SafeCheckpointHook


def use_safe_checkpoints(cfg: Any) -> bool:
    """Put :class:`SafeCheckpointHook` in the place of the host's own hook, with its options.

    A config of mmsegmentation, or one without ``default_hooks.checkpoint``, has the host's. A class derived from it
    stays, and so does ``checkpoint=None``, a run without checkpoints.

    Args:
        cfg: A whole config, changed in place.

    Returns:
        Whether a hook of the run saves and stops on a signal; without one a signal must end the process.
    """
    cfg.setdefault('default_hooks', {})
    hooks = cfg['default_hooks']  # setdefault returns another dict than the one it puts in
    given = hooks.get('checkpoint', dict(type='CheckpointHook', interval=1))  # as the host's runner fills it in
    if _kind(given) is CheckpointHook:
        hooks['checkpoint'] = dict(given, type='SafeCheckpointHook')
    every = [*hooks.values(), *(cfg.get('custom_hooks') or [])]
    return any(issubclass(_kind(hook), SafeCheckpointHook) for hook in every)


def _kind(hook: Any) -> type:
    """Return the class of a hook, or of its config; ``NoneType`` if there is none, or nobody knows it."""
    kind = hook.get('type') if isinstance(hook, dict) else type(hook)
    found = HOOKS.get(kind) if isinstance(kind, str) else kind
    return found if isinstance(found, type) else type(None)
