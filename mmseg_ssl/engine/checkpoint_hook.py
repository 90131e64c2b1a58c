"""Checkpoints that a kill cannot spoil."""

from pathlib import Path
from typing import Any, Dict, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmseg.registry import HOOKS

from .atomic_files import AtomicBackend, remove_partial_files, replace_file
from .partial_gradients import collect_partial_gradients, restore_partial_gradients


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """Save checkpoints so that the run can be killed at any moment and resumed exactly.

    - A checkpoint and ``last_checkpoint`` are written to ``<name>.partial``, flushed to the disk, and then renamed in
      one step: a half-written file never has a name that ``--resume`` looks at.
    - ``last_checkpoint`` changes after its checkpoint is whole; older checkpoints (``max_keep_ckpts``, the former
      best) go after that.
    - Leftover ``.partial`` files are removed when training starts.
    - In the middle of a gradient accumulation the gradients so far are saved too (key ``partial_gradients``).

    All options of mmengine's :class:`mmengine.hooks.CheckpointHook` are kept (``interval``, ``by_epoch``,
    ``save_best``, ``max_keep_ckpts``, ``save_last``...). Only rank 0 writes. With ``backend_args`` for a remote
    storage, the first point is that storage's business.

    Args:
        *args: As mmengine's hook.
        backend_args: Storage; ``None`` is the local disk, as described above.
        **kwargs: As mmengine's hook.
    """

    def __init__(self, *args: Any, backend_args: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        self._pending: Dict[str, Any] = {}
        self._loaded: Dict[str, Any] = {}

    def before_train(self, runner: Any) -> None:
        """Find the folder, remove leftovers of cut-off writes, and put back pending gradients.

        Args:
            runner: The runner.
        """
        super().before_train(runner)
        if is_main_process():
            for folder in {str(self.out_dir), runner.work_dir}:
                for leftover in remove_partial_files(folder):
                    runner.logger.info(f'Removed {leftover}: its writing was cut short.')
        if runner.iter > 0 and self._loaded:
            restore_partial_gradients(runner, self._loaded)
            runner.logger.info('Went on within a gradient accumulation: its gradients so far were in the checkpoint.')
        self._loaded = {}

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Add the gradients of an unfinished accumulation to a checkpoint that can be resumed.

        Args:
            runner: The runner.
            checkpoint: What is about to be saved.
        """
        if self._pending and 'optimizer' in checkpoint:
            checkpoint['partial_gradients'] = self._pending

    def after_load_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Remember the gradients of an unfinished accumulation; ``before_train`` uses them if the run is a resumed
        one.

        Args:
            runner: The runner.
            checkpoint: What was loaded.
        """
        self._loaded = checkpoint.get('partial_gradients', {})

    def _save_checkpoint_with_step(self, runner: Any, step: int, meta: dict) -> None:
        """Write the checkpoint, then the note that names it, then remove the one that is too many."""
        doomed = self._keep(runner, step)
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self._pending = collect_partial_gradients(runner)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._pending = {}
        if not is_main_process():
            return
        replace_file(Path(runner.work_dir, 'last_checkpoint'), self.last_ckpt.encode())
        if doomed is not None and self.file_backend.isfile(doomed):
            self.file_backend.remove(doomed)

    def _keep(self, runner: Any, step: int) -> Optional[str]:
        """Note a step among those that are kept; return the file of the step that it pushes out."""
        if self.max_keep_ckpts <= 0 or (self.keep_ckpt_ids and self.keep_ckpt_ids[-1] == step):
            return None
        doomed = None
        if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
            oldest = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
            doomed = self.file_backend.join_path(self.out_dir, oldest)
        self.keep_ckpt_ids.append(step)
        # In the message hub it becomes part of the checkpoint, and so known to the resumed run.
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return doomed

    def _save_best_checkpoint(self, runner: Any, metrics: dict) -> None:
        """As mmengine's, but the former best goes after the new best is in place."""
        if not isinstance(self.file_backend, AtomicBackend):
            super()._save_best_checkpoint(runner, metrics)
            return
        with self.file_backend.removals_last() as doomed:
            super()._save_best_checkpoint(runner, metrics)
            # A resumed run may validate again at the same iteration and write the same name anew.
            doomed[:] = [path for path in doomed if path not in self._best_files()]

    def _best_files(self) -> list:
        """List the best checkpoints as of now, one per metric."""
        if not self.save_best:
            return []
        if len(self.key_indicators) == 1:
            return [self.best_ckpt_path]
        return list(self.best_ckpt_path_dict.values())
