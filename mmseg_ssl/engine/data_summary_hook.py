"""Logs what a run trains on before its first step, and stores it in the run's folder."""

import copy
import json
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmseg.registry import DATASETS, HOOKS

from ..datasets.batch_sizes import size_problems
from ..datasets.data_summary import DataSummary, Overlap, find_overlap, summarize_data
from ..datasets.pipelines import require_same_orientation
from ..datasets.semi_dataset import SemiDataset
from ..errors import DatasetError
from ..utils.atomic_files import replace_file

SUMMARY_FILE = 'data.json'
HOOKS_OF_EVERY_RUN = dict(
    run='CheckRunHook',
    data='DataSummaryHook',
    start='StartSummaryHook',
    validation='ValidationLineHook',
    progress='ProgressHook',
    pictures='StepPictureHook',
    taught='TaughtHook',
)
"""Hooks of trainings by ``tools/train.py``, by name and type, whatever their configs have."""


@HOOKS.register_module()
class DataSummaryHook(Hook):
    """Logs ``20 labeled of 335 (list, hash), 315 unlabeled, 0 shared``, and refuses labeled images in val or test.

    Images are compared by path and by content, so a copy under another name is found as well; images on a remote file
    backend only by path. A warning names unlabeled images that are in val or test. The numbers go to
    ``<work dir>/<time>/data.json``, where ``tools/results.py`` finds them. A run that continues must have the labeled
    images of before. Only the first process does this.

    Args:
        allow_overlap: Continue with a warning if labeled images are in val or test.
    """

    def __init__(self, allow_overlap: bool = False) -> None:
        self.allow_overlap = allow_overlap
        self.summary: Optional[DataSummary] = None
        self.overlaps: List[Overlap] = []

    def before_train(self, runner: Any) -> None:
        """Count images, compare the sets, and write the numbers.

        Args:
            runner: The runner.

        Raises:
            DatasetError: Labeled images are in val or test, a set is smaller than a batch, images are rotated by
                their EXIF tag in one set only, or a resumed run has another list.
        """
        loader = runner.train_dataloader
        dataset = loader.dataset
        _require_batches(loader, dataset)
        if runner.rank != 0:
            return
        self.summary, self.overlaps = summarize_data(dataset), []
        runner.logger.info(str(self.summary))
        _require_same_list(runner, self.summary)
        _doubt_shared(runner, dataset, self.summary)
        replace_file(Path(runner.log_dir, SUMMARY_FILE), json.dumps(self.summary._asdict()).encode())
        for name, other in _evaluation_sets(runner):
            names = 'train_dataloader', f'{name}_dataloader'
            require_same_orientation(getattr(dataset, 'labeled', dataset), other, names)
            self.overlaps.append(find_overlap(dataset, name, other))
            self._report(runner, self.overlaps[-1])

    def _report(self, runner: Any, overlap: Overlap) -> None:
        """Log the overlap of a set with the training images, or raise an error."""
        runner.logger.info(str(overlap))
        if overlap.unlabeled:
            runner.logger.warning(
                f'{len(overlap.unlabeled)} of the {overlap.images} images of {overlap.name}_dataloader are among the '
                f'unlabeled ones: the network trains on the images that it is scored on, if not on their masks. Unless '
                'this is meant, give dataset.unlabeled an ann_file, or a folder, without them.'
            )
        if not overlap.labeled:
            return
        named = ', '.join(overlap.labeled[:3]) + (', ...' if len(overlap.labeled) > 3 else '')
        problem = (
            f'{len(overlap.labeled)} labeled image(s), or copies of them, are also in {overlap.name}_dataloader: '
            f'{named}. The scores would be those of memorized images.'
        )
        if not self.allow_overlap:
            raise DatasetError(
                f'{problem} Take them out of one of the lists, or continue anyway with --cfg-options '
                'default_hooks.data.allow_overlap=True.'
            )
        runner.logger.warning(f'{problem} The run continues because of allow_overlap=True.')


def add_hooks(cfg: Any, **kinds: str) -> None:
    """Add hooks to a config, as ``default_hooks.<name>``, unless it has them or hooks that are made of them.

    Args:
        cfg: A whole config, changed in place.
        **kinds: Name and type of each, e.g. ``data='DataSummaryHook'``.
    """
    hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
    types = [hook.get('type') for hook in hooks if isinstance(hook, dict)]
    there = [HOOKS.get(kind) if isinstance(kind, str) else kind for kind in types]
    for name, kind in kinds.items():
        if not any(isinstance(one, type) and issubclass(one, HOOKS.get(kind)) for one in there):
            cfg.merge_from_dict({f'default_hooks.{name}.type': kind})


def _doubt_shared(runner: Any, dataset: Any, summary: DataSummary) -> None:
    """Warn of unlabeled images that are labeled, too, where that is probably not meant."""
    excluded: Any = getattr(getattr(dataset, 'unlabeled', None), 'exclude', '')
    if summary.shared and excluded:
        runner.logger.warning(
            f'{summary.shared} of the {summary.unlabeled} unlabeled images are labeled, too, although '
            'dataset.unlabeled.exclude leaves out others: name the list of the labeled ones there.'
        )
    elif 0 < summary.unlabeled == summary.shared:
        runner.logger.warning(
            'every unlabeled image is labeled, too: the run learns from no other image. Correct ann_file or '
            'data_prefix of dataset.unlabeled.'
        )


def _require_same_list(runner: Any, summary: DataSummary) -> None:
    """Raise an error if a run that continues has other labeled images than before, and warn of other unlabeled ones."""
    now = f'{summary.labeled} labeled images ({summary.list or "no list"}, hash {summary.hash})'
    hub, unlabeled = runner.message_hub, summary.unlabeled
    known, others = hub.get_info('labeled', now), hub.get_info('unlabeled', unlabeled)
    if runner.iter and known.rpartition('hash')[2] != now.rpartition('hash')[2]:
        raise DatasetError(
            f'the checkpoint was trained on {known}, and this run has {now}: it would be a mixture of both. Start '
            'another run, in a folder of its own, or use the list of before.'
        )
    if runner.iter and others != unlabeled:
        runner.logger.warning(f'The run had {others} unlabeled images until iteration {runner.iter}, now {unlabeled}.')
    hub.update_info('labeled', now)
    hub.update_info('unlabeled', unlabeled)


def _require_batches(loader: Any, dataset: Any) -> None:
    """Raise an error if a set is smaller than a batch of all processes."""
    if not isinstance(dataset, SemiDataset) or loader.batch_size is None:
        return
    unlabeled = len(dataset.unlabeled) if dataset.unlabeled is not None else 0
    ratio, distinct = dataset.unlabeled_per_labeled, getattr(loader.sampler, 'distinct', None)
    problems = list(size_problems(loader.batch_size, len(dataset), unlabeled, ratio, distinct, get_world_size()))
    if problems:
        raise DatasetError('\n'.join(problems))


def _evaluation_sets(runner: Any) -> Iterator[Tuple[str, Any]]:
    """Yield the sets for validation and test; the one for test is built here, and skipped if its data are missing."""
    if runner.val_loop is not None:
        yield 'val', runner.val_loop.dataloader.dataset
    configs = [(runner.cfg.get(f'{name}_dataloader') or {}).get('dataset') for name in ('val', 'test')]
    if not configs[1] or (runner.val_loop is not None and configs[0] == configs[1]):
        return
    try:
        test = DATASETS.build(copy.deepcopy(configs[1]))
        test.full_init()
    except (DatasetError, OSError, AssertionError) as error:
        runner.logger.info(f'test: not compared with the training images, because it cannot be read ({error})')
        return
    yield 'test', test
