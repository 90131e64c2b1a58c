"""Say what a run trains on before its first step, and keep it with the run."""

import copy
import json
from pathlib import Path
from typing import Any, Iterator, Tuple

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmseg.registry import DATASETS, HOOKS

from ..datasets.batch_sizes import size_problems
from ..datasets.data_summary import Overlap, find_overlap, summarize_data
from ..datasets.pipelines import require_same_orientation
from ..datasets.semi_dataset import SemiDataset
from ..errors import DatasetError
from ..utils.atomic_files import replace_file

FILE = 'data.json'


@HOOKS.register_module()
class DataSummaryHook(Hook):
    """Log ``20 labeled of 335 (list, hash), 315 unlabeled, 0 shared``, and refuse labeled images in val or test.

    Images are compared by path and by content, so that a copy under another name is found, too; images on a remote
    file backend by path alone. The numbers go to ``<work dir>/<time>/data.json``, where ``tools/results.py`` finds
    them. One process of a run does it.

    Args:
        allow_overlap: Go on, with a warning, if labeled images are in val or test.
    """

    def __init__(self, allow_overlap: bool = False) -> None:
        self.allow_overlap = allow_overlap

    def before_train(self, runner: Any) -> None:
        """Count, compare and note.

        Args:
            runner: The runner.

        Raises:
            DatasetError: Labeled images are in val or test, a set is smaller than a batch, or images are turned by
                their EXIF tag in one set alone.
        """
        loader = runner.train_dataloader
        dataset = loader.dataset
        _require_batches(loader, dataset)
        if runner.rank != 0:
            return
        summary = summarize_data(dataset)
        runner.logger.info(str(summary))
        replace_file(Path(runner.log_dir, FILE), json.dumps(summary._asdict()).encode())
        for name, other in _judges(runner):
            names = 'train_dataloader', f'{name}_dataloader'
            require_same_orientation(getattr(dataset, 'labeled', dataset), other, names)
            self._report(runner, find_overlap(dataset, name, other))

    def _report(self, runner: Any, overlap: Overlap) -> None:
        """Log how a set and the training overlap, or stop."""
        runner.logger.info(str(overlap))
        if not overlap.labeled:
            return
        named = ', '.join(overlap.labeled[:3]) + (', ...' if len(overlap.labeled) > 3 else '')
        problem = (
            f'{len(overlap.labeled)} labeled image(s) are in {overlap.name}_dataloader, too, or copies: {named}. '
            'The scores would be those of images that were learned by heart.'
        )
        if not self.allow_overlap:
            raise DatasetError(
                f'{problem} Take them out of one of the lists, or go on all the same with --cfg-options '
                'default_hooks.data.allow_overlap=True.'
            )
        runner.logger.warning(f'{problem} The run goes on, as allow_overlap=True says.')


def add_data_summary(cfg: Any) -> None:
    """Give a config the hook, as ``default_hooks.data``, unless it has one.

    Args:
        cfg: A whole config, changed in place.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    if not any(isinstance(hook, dict) and hook.get('type') == 'DataSummaryHook' for hook in hooks):
        cfg.merge_from_dict({'default_hooks.data.type': 'DataSummaryHook'})


def _require_batches(loader: Any, dataset: Any) -> None:
    """Stop if a set is smaller than a batch of all processes."""
    if not isinstance(dataset, SemiDataset) or loader.batch_size is None:
        return
    unlabeled = len(dataset.unlabeled) if dataset.unlabeled is not None else 0
    ratio, distinct = dataset.unlabeled_per_labeled, getattr(loader.sampler, 'distinct', None)
    problems = list(size_problems(loader.batch_size, len(dataset), unlabeled, ratio, distinct, get_world_size()))
    if problems:
        raise DatasetError('\n'.join(problems))


def _judges(runner: Any) -> Iterator[Tuple[str, Any]]:
    """The sets for validation and test; that for test is built here, and left out where its data are absent."""
    if runner.val_loop is not None:
        yield 'val', runner.val_loop.dataloader.dataset
    configs = [(runner.cfg.get(f'{name}_dataloader') or {}).get('dataset') for name in ('val', 'test')]
    if not configs[1] or (runner.val_loop is not None and configs[0] == configs[1]):
        return
    try:
        test = DATASETS.build(copy.deepcopy(configs[1]))
        test.full_init()
    except (DatasetError, OSError, AssertionError) as error:
        runner.logger.info(f'test: not compared with the training, since it could not be read ({error})')
        return
    yield 'test', test
