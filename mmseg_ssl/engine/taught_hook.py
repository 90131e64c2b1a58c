"""How many of the pixels without a label are taught and, where their masks are at hand, how many of them rightly."""

from typing import Any, Dict, List

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook, LoggerHook
from mmseg.registry import HOOKS

from .bare_model import bare_model
from .taught_counts import Counts, hidden_truth


@HOOKS.register_module()
class TaughtHook(Hook):
    """Logs ``taught.share`` and ``taught.weight`` for every method and, with masks, ``taught.accuracy``, by class, too.

    Of the pixels that could be taught (unlabeled image pixels, no padding) the share that has a label with a weight
    above 0 in this step, and the mean weight of them all. With ``train_dataloader.dataset.hidden_masks=True`` (or the
    folder of the masks): over all steps since the last line of the log, also the share of the taught pixels that have
    the right label, and by class ``taught.accuracy.<class>`` (of what is taught as the class) and
    ``taught.share.<class>`` (of what is the class), which go to ``scalars.json``, TensorBoard and W&B. Of a soft label
    the likeliest class counts. Where a method trains two networks, the name of the taught one stands in front.
    """

    priority = 'NORMAL'  # before the logger

    def before_train(self, runner: Any) -> None:
        """Find out how often is logged, and whether there are masks."""
        dataset, model = runner.train_dataloader.dataset, bare_model(runner)
        self.active = hasattr(model, 'onlookers')
        self.masks = bool(getattr(dataset, 'hidden_masks', False))
        self.classes = list(dataset.metainfo.get('classes') or ())
        self.logger = next((hook for hook in runner.hooks if isinstance(hook, LoggerHook)), LoggerHook(interval=50))
        self.counts: Dict[str, Counts] = {}
        self._samples: Dict[str, List[Any]] = {}

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Look on if this step is logged or, with masks, in every step."""
        if self.active and (self.masks or self._is_logged(runner, batch_idx)):
            model: Any = bare_model(runner)
            model.onlookers.append(self._look)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Look away, and log."""
        onlookers: Any = getattr(bare_model(runner), 'onlookers', [])
        if self._look in onlookers:
            onlookers.remove(self._look)
        if not self.active or not self._is_logged(runner, batch_idx):
            return
        for network, counts in self.counts.items():
            all_reduce(counts.both)
            all_reduce(counts.classes)
            prefix = f'{network}.taught.' if len(self.counts) > 1 else 'taught.'
            found = counts.summary(self.classes)
            for key, value in found['all'].items():
                runner.message_hub.update_scalar(f'train/{prefix}{key}', value)
            if found['each']:
                values = {prefix + key: value for key, value in found['each'].items()}
                runner.visualizer.add_scalars(values, step=runner.iter + 1)
        self.counts = {}

    def _is_logged(self, runner: Any, batch_idx: int) -> bool:
        """Tell if the logger writes a line after this step; its interval begins anew with each epoch."""
        logger, loader = self.logger, runner.train_dataloader
        # an epoch that is shorter than the interval has a line at its end
        ends = logger.end_of_epoch(loader, batch_idx) and (not logger.ignore_last or len(loader) <= logger.interval)
        return ends or logger.every_n_inner_iters(batch_idx, logger.interval)

    @torch.no_grad()
    def _look(self, network: str, parts: Dict[str, Any]) -> None:
        """Count what a network is taught; see :meth:`SemiSegmentor.show`."""
        if 'inputs' in parts:
            self._samples = parts['samples']
        elif 'target' in parts:
            label, weight = parts['target']
            label = label.argmax(dim=1) if label.dim() == 4 else label
            truth = hidden_truth(self._samples.get('sup' if 'scribbles' in parts else 'weak', []), parts['valid'])
            if truth is not None and 'mix' in parts:
                truth = parts['mix'](truth)
            counts = self.counts.setdefault(network, Counts(len(self.classes), label.device))
            counts.add(label, weight, parts['valid'], truth)
