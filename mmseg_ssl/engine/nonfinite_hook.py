"""Stops a run at the first loss that is infinite or not a number."""

import math
from pathlib import Path
from typing import Any, Dict, List

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from .bare_model import bare_model

CURES = 'Usual cures: a lower learning rate, clip_grad in the optim_wrapper, no --amp.'


class NonFiniteLossError(RuntimeError):
    """A loss, or a weight about to be saved, is infinite or not a number; training cannot continue from it."""


@HOOKS.register_module()
class StopOnNonFiniteLoss(Hook):
    """Stops when the loss is infinite or not a number, and saves what is needed to find the cause.

    The file ``<work_dir>/nonfinite_iter_<n>.pth`` (with ``_rank<r>`` on ranks other than 0) can be read with
    ``torch.load`` and holds:

    - ``iteration`` (as counted in the log, from 1), ``rank``, ``seed``
    - ``losses``: every logged term of this iteration
    - ``samples``: view -> ``img_path`` of its images
    - ``inputs``, ``labels``: view -> tensors as they came from the dataloader

    The check comes after the optimizer step, where mmengine has just read every term to log it, so it costs no further
    wait for the device; a check before the step would make host and device wait for each other in every iteration. The
    weights in memory are broken by then, but those on disk are not: no checkpoint is written after it, and a checkpoint
    with parameters that are not finite (the gradient may break before the loss, or another rank's loss may) is refused.
    Since a step depends only on weights, seed and iteration, ``--resume`` reproduces the failure for a closer look.

    Raises:
        NonFiniteLossError: From :meth:`after_train_iter` and :meth:`before_save_checkpoint`.
    """

    # Before anything that writes: logs (BELOW_NORMAL), the EMA teacher (NORMAL) and checkpoints (VERY_LOW).
    priority = 'ABOVE_NORMAL'

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Check the total loss; it is finite exactly if all its terms are.

        Args:
            runner: The runner.
            batch_idx: Not used.
            data_batch: The batch of this iteration.
            outputs: The logged terms; ``'loss'`` is their sum.
        """
        if outputs is None or 'loss' not in outputs:
            return
        if math.isfinite(float(torch.as_tensor(outputs['loss']).detach())):
            return
        losses = {name: float(torch.as_tensor(value).mean()) for name, value in outputs.items()}
        report = dict(
            iteration=runner.iter + 1, rank=get_rank(), seed=runner.seed, losses=losses, **_sort_by_view(data_batch)
        )
        path = self._save(runner, report)
        terms = ', '.join(f'{name} = {value:g}' for name, value in losses.items())
        samples = '\n'.join(f'  {view}: {", ".join(names)}' for view, names in report['samples'].items())
        raise NonFiniteLossError(
            f'The loss of iteration {report["iteration"]} (rank {report["rank"]}) is not finite: {terms}\n'
            f'Samples:\n{samples}\nSaved with the batch to {path}. No checkpoint was written after it. To look '
            f'closer: --resume continues from the last good checkpoint and fails in the same iteration. {CURES}'
        )

    def before_save_checkpoint(self, runner: Any, checkpoint: dict) -> None:
        """Refuse to save parameters that are not finite, so that the previous checkpoint stays the last one.

        Args:
            runner: The runner.
            checkpoint: Content of the checkpoint.
        """
        network = bare_model(runner)
        state = checkpoint['state_dict']
        broken = [name for name, _ in network.named_parameters() if name in state and not state[name].isfinite().all()]
        if broken:
            raise NonFiniteLossError(
                f'After iteration {runner.iter + 1}, {len(broken)} parameters are not finite (first: {broken[0]}), so '
                f'no checkpoint is written; the previous one stays the last. {CURES}'
            )

    @staticmethod
    def _save(runner: Any, report: Dict[str, Any]) -> Path:
        rank = f'_rank{report["rank"]}' if report['rank'] else ''
        path = Path(runner.work_dir, f'nonfinite_iter_{report["iteration"]}{rank}.pth')
        torch.save(report, path)
        return path


def _sort_by_view(data_batch: Any) -> Dict[str, Dict[str, List]]:
    """Sort a batch into plain containers by view; a plain mmseg batch (without views) becomes the view 'sup'."""
    if not isinstance(data_batch, dict) or 'inputs' not in data_batch:
        return dict(samples={}, inputs={}, labels={})
    inputs: Any = data_batch['inputs']
    samples: Any = data_batch.get('data_samples') or {}
    if not isinstance(inputs, dict):
        inputs, samples = dict(sup=inputs), dict(sup=samples or [])
    return dict(
        samples={view: [str(sample.metainfo.get('img_path')) for sample in batch] for view, batch in samples.items()},
        inputs={view: list(batch) for view, batch in inputs.items()},
        labels={
            view: [sample.gt_sem_seg.data.cpu() for sample in batch if 'gt_sem_seg' in sample]
            for view, batch in samples.items()
        },
    )
