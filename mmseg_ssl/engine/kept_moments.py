"""Moments of a run that stay where they were when it goes on with another length."""

from typing import Any, Dict

from .run_length import Moment, to_iteration


def kept_iterations(runner: Any, name: str, given: Dict[str, Moment]) -> Dict[str, int]:
    """Return the iterations of moments in a run; one that was resumed keeps those of its checkpoint.

    Shares of a longer run would lie later, and send a resumed run back to a stage or a weight that it has left.

    Args:
        runner: The runner, right before training; the checkpoints of its run remember the iterations.
        name: Where they are remembered, e.g. ``'stage_starts'``.
        given: Moments by name, as the config has them. Changed since the checkpoint, they count as they are now.

    Returns:
        Iterations by name, in the order of ``given``.
    """
    found = {key: to_iteration(moment, runner.max_iters) for key, moment in given.items()}
    before = runner.message_hub.get_info(name, None) if runner.iter > 0 else None
    if before and before['given'] == repr(given) and before['iterations'] != found:
        found = dict(before['iterations'])
        runner.logger.info(
            f'The length of the run changed, and {name} stay: {", ".join(f"{key} at {found[key]}" for key in found)}. '
            'To move them, write them as iterations.'
        )
    runner.message_hub.update_info(name, dict(given=repr(given), iterations=found))
    return found
