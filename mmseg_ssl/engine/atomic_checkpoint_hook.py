"""Writing of checkpoints that are either complete or absent."""

import time
from pathlib import Path
from typing import Any, Optional

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from ..utils.atomic_files import AtomicBackend, replace_file
from .readable_checkpoint import require_readable
from .sharded_model import whole_state


class AtomicCheckpointHook(CheckpointHook):
    """The part of :class:`SafeCheckpointHook` that writes: in one step, old files removed last, one extra checkpoint.

    Args:
        *args: As mmengine's hook.
        backend_args: File backend; ``None`` is the local disk.
        **kwargs: As mmengine's hook.
    """

    def __init__(self, *args: Any, backend_args: Optional[dict] = None, **kwargs: Any) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        self._extra, self._proven = '', False

    def before_train(self, runner: Any) -> None:
        """Find the folder, and note the extra checkpoint that the run wrote before.

        Args:
            runner: The runner.
        """
        super().before_train(runner)
        self._extra = runner.message_hub.get_info('extra_ckpt', '')
        self._saved_iter, self._saved_at = runner.iter, time.monotonic()

    def _save_checkpoint_with_step(self, runner: Any, step: int, meta: dict) -> None:
        """Write a regular checkpoint; if it has the name of the extra one, that one becomes regular."""
        name = self.filename_tmpl.format(step)
        self._write(runner, name, meta, None if name == self._extra else self._keep_step(runner, step))

    def _write(self, runner: Any, name: str, meta: dict, pushed_out: Optional[str] = None, extra: bool = False) -> None:
        """Write the checkpoint, then the file that names it, then remove surplus ones: a kill at any point is safe.

        Raises:
            UserError: The first checkpoint of this process cannot be read.
        """
        former, done = self._extra, meta['iter']
        if extra or name != former:
            self._extra = name if extra else ''
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info_dict(dict(last_ckpt=self.last_ckpt, extra_ckpt=self._extra))
        with whole_state(runner, self.save_optimizer):
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
        self._saved_iter, self._saved_at = done, time.monotonic()
        if not is_main_process():
            return
        if not self._proven:  # what a run saves stays of one kind
            with self.file_backend.get_local_path(self.last_ckpt) as path:
                require_readable(str(path))
            self._proven = True
        replace_file(Path(runner.work_dir, 'last_checkpoint'), self.last_ckpt.encode())
        for doomed in (pushed_out, former if former != name else None):
            if doomed and self.file_backend.isfile(self.file_backend.join_path(self.out_dir, doomed)):
                self.file_backend.remove(self.file_backend.join_path(self.out_dir, doomed))

    def _keep_step(self, runner: Any, step: int) -> Optional[str]:
        """Add a step to those that are kept; return the file of the step that it replaces."""
        if self.max_keep_ckpts <= 0 or (self.keep_ckpt_ids and self.keep_ckpt_ids[-1] == step):
            return None
        doomed = None
        if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
            doomed = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
        self.keep_ckpt_ids.append(step)
        # The message hub is saved in the checkpoint, so a resumed run knows these steps.
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return doomed

    def _save_best_checkpoint(self, runner: Any, metrics: dict) -> None:
        """Save the best as mmengine does, but remove the former best only after the new one is in place."""
        if not isinstance(self.file_backend, AtomicBackend):
            with whole_state(runner, optimizer=False):
                super()._save_best_checkpoint(runner, metrics)
            return
        with self.file_backend.removals_last() as doomed, whole_state(runner, optimizer=False):
            super()._save_best_checkpoint(runner, metrics)
            # A resumed run may repeat a validation and write the same name again.
            doomed[:] = [path for path in doomed if path not in self._best_files()]

    def _best_files(self) -> list:
        """List the current best checkpoints, one per metric."""
        if not self.save_best:
            return []
        if len(self.key_indicators) == 1:
            return [self.best_ckpt_path]
        return list(self.best_ckpt_path_dict.values())
