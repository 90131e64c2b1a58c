"""Checkpoints from which a killed run continues exactly."""

import time
from typing import Any, Dict, Optional

import torch
from mmengine.dist import all_reduce, barrier, is_main_process
from mmseg.registry import HOOKS

from ..utils.atomic_files import remove_partial_files
from .atomic_checkpoint_hook import AtomicCheckpointHook
from .merged_optim_wrapper import fit_parameter_groups
from .partial_gradients import collect_partial_gradients, restore_partial_gradients
from .rank_buffers import collect_rank_buffers, lend_main_buffers, restore_rank_buffers, return_buffers
from .readable_checkpoint import keep_own_meta, make_plain
from .resumed_schedules import check_same_start, check_schedules, fit_schedules
from .run_lock import lock_run, release_run
from .sharded_model import divide_optimizer_state
from .stop_request import STOPPED, stop_requested

SAVE, STOP = 1, 2


@HOOKS.register_module()
class SafeCheckpointHook(AtomicCheckpointHook):
    """Saves checkpoints such that a run can be killed at any moment and continues exactly.

    - A checkpoint and ``last_checkpoint`` are written to ``<name>.partial``, flushed to the disk, and then renamed in
      one step: a half-written file never has a name that ``--resume`` looks at.
    - ``last_checkpoint`` changes after its checkpoint is complete; older checkpoints (``max_keep_ckpts``, the former
      best) are removed after that.
    - Beside those of ``interval`` there is one extra checkpoint: the last one written before a validation, after
      ``minutes``, or on a signal (:func:`stop_requested`), when the run ends with exit code 143. It does not count in
      ``max_keep_ckpts`` and is removed once the next checkpoint is written.
    - Leftover ``.partial`` files are removed when training starts; ``run.lock`` keeps other runs out of the folder.
    - In the middle of a gradient accumulation the gradients so far are saved as well (key ``partial_gradients``), and
      with several processes the buffers that differ between them (``rank_buffers``). All processes validate the
      network of the first one, which is the one that is saved.
    - A changed schedule counts from the iteration where the run continues (:func:`fit_schedules`).

    All options of mmengine's :class:`mmengine.hooks.CheckpointHook` are kept (``interval``, ``by_epoch``,
    ``save_best``, ``max_keep_ckpts``, ``save_last``...). Only rank 0 writes. With ``backend_args`` for a remote
    storage, writing in one step is up to that storage.

    Args:
        *args: As for mmengine's hook.
        minutes: Longest time without a checkpoint; 0 for no limit.
        **kwargs: As for mmengine's hook.
    """

    def __init__(self, *args: Any, minutes: float = 10.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.minutes = minutes
        self._pending: Dict[str, Any] = {}
        self._loaded: Dict[str, Any] = {}
        self._own_buffers: Dict[str, Any] = {}
        self._training = False

    # so that save_best knows every metric of this package, such as teacher/IoU.sky, localizer/error_F1 and ECE
    _default_greater_keys = [
        *AtomicCheckpointHook._default_greater_keys,
        'IoU',
        'Dice',
        'score',
        'recall',
        '_F1',
        '_AP',
    ]
    _default_less_keys = [*AtomicCheckpointHook._default_less_keys, 'ECE']

    def before_train(self, runner: Any) -> None:
        """Lock the folder, remove leftovers of interrupted writes, and restore what the checkpoint held in addition.

        Args:
            runner: The runner.
        """
        check_schedules(runner)
        check_same_start(runner)
        if is_main_process():
            lock_run(runner.work_dir)
        super().before_train(runner)
        if is_main_process():
            for folder in {str(self.out_dir), runner.work_dir}:
                for leftover in remove_partial_files(folder):
                    runner.logger.info(f'Removed {leftover}: its writing was interrupted.')
        if runner.iter > 0 and self._loaded.get('partial_gradients'):
            restore_partial_gradients(runner, self._loaded['partial_gradients'])
            runner.logger.info('Continuing within a gradient accumulation: the checkpoint holds its gradients so far.')
        if runner.iter > 0:
            restore_rank_buffers(runner, self._loaded.get('rank_buffers', {}))
        self._loaded = {}
        self._training = True

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Save if it is time, and stop if a signal asked for it; all processes after the same iteration.

        Args:
            runner: The runner.
            *args: As mmengine's hook.
            **kwargs: As mmengine's hook.
        """
        super().after_train_iter(runner, *args, **kwargs)
        late = self.minutes > 0 and time.monotonic() - self._saved_at > 60 * self.minutes
        # A signal may reach one process only, and clocks differ: the strongest wish of any process counts for all.
        wanted = torch.tensor(STOP if stop_requested() else SAVE if late and is_main_process() else 0)
        all_reduce(wanted, op='max')
        if wanted:
            self._save_extra(runner, runner.iter + 1)
        if wanted == STOP:
            self._stop(runner)

    def before_val(self, runner: Any) -> None:
        """Save the weights that are about to be validated, so that a kill during validation loses nothing.

        Args:
            runner: The runner.
        """
        if self._training:
            self._save_extra(runner, runner.iter)

    def before_val_epoch(self, runner: Any) -> None:
        """Lend the first process's buffers to all processes.

        Args:
            runner: The runner.
        """
        self._own_buffers = lend_main_buffers(runner)

    def after_val_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Stop if a signal asked for it: the checkpoint precedes the validation, which a resumed run repeats."""
        if self._training and stop_requested():
            raise SystemExit(STOPPED)

    def after_val_epoch(self, runner: Any, metrics: Optional[Dict[str, float]] = None) -> None:
        """Give the buffers back, and save the best; outside of training (``runner.val()``) there is nothing to save.

        Args:
            runner: The runner.
            metrics: Name -> score.
        """
        return_buffers(runner, self._own_buffers)
        if self._training:
            runner.message_hub.update_info('last_validation', runner.iter)
            super().after_val_epoch(runner, metrics)

    def after_train(self, runner: Any) -> None:
        """Publish checkpoints, as mmengine's hook does."""
        super().after_train(runner)
        self._training = False

    def after_run(self, runner: Any) -> None:
        """Let other runs into the folder."""
        release_run(runner.work_dir)

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Add the state that mmengine leaves out to a checkpoint that can be resumed, and leave out what is unreadable.

        Args:
            runner: The runner.
            checkpoint: Content of the checkpoint, changed in place.
        """
        make_plain(checkpoint)
        if 'optimizer' in checkpoint:
            checkpoint.update({name: value for name, value in self._pending.items() if value})

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Remember the state that mmengine leaves out; ``before_train`` restores it if the run is resumed.

        Args:
            runner: The runner.
            checkpoint: Content of the checkpoint.
        """
        self._loaded = {name: checkpoint.get(name, {}) for name in ('partial_gradients', 'rank_buffers')}
        if getattr(runner, '_resume', False):
            keep_own_meta(checkpoint, runner.train_dataloader.dataset)
            fit_parameter_groups(runner, checkpoint)
            fit_schedules(runner, checkpoint)
            divide_optimizer_state(runner, checkpoint)

    def _save_extra(self, runner: Any, done: int) -> None:
        """Write the extra checkpoint after ``done`` iterations, unless these are already saved."""
        if self._saved_iter == done:
            return
        name = f'epoch_{runner.epoch}_iter_{done}.pth' if self.by_epoch else self.filename_tmpl.format(done)
        runner.logger.info(f'Saving checkpoint at {done} iterations, until the next one is written')
        self._write(runner, name, dict(epoch=runner.epoch, iter=done), extra=True)

    def _stop(self, runner: Any) -> None:
        """End this process after the first one has written its checkpoint."""
        barrier()
        runner.logger.info(f'Stopped by a signal after iteration {runner.iter + 1}: --resume continues from here.')
        raise SystemExit(STOPPED)

    def _write(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        """Gather the state that :meth:`before_save_checkpoint` adds, which needs all processes, and write."""
        self._pending = dict(
            partial_gradients=collect_partial_gradients(runner), rank_buffers=collect_rank_buffers(runner)
        )
        super()._write(runner, *args, **kwargs)
        self._pending = {}
