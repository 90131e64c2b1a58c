"""A run as the page shows it: its files, its scores, its examples, and what is missing."""

import inspect
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from ...apis import TrainedNetwork, dataset_meta, load_model
from ...errors import DatasetError, UserError
from ..cli import tool_command
from .example_images import Example, choose_examples, draw_example
from .run_content import Curves, RunContent, read_run
from .scored_images import Scores, open_images, score_images
from .taught_curves import is_taught, quality_was_logged
from .taught_quality import quality_of


class Missing(NamedTuple):
    """A part that the page would have."""

    what: str
    why: str
    command: str  # that gives it; '' if no command does


class Wanted(NamedTuple):
    """What to show of each run."""

    part: str = 'val'  # or test
    examples: int = 3  # best ones, and as many worst ones
    limit: Optional[int] = None  # images to score, of more
    network: Optional[str] = None
    device: str = 'cpu'


class ReportedRun(NamedTuple):
    """A run with everything that the page says of it."""

    content: RunContent
    network: str
    parameters: int
    classes: List[str]
    palette: List[List[int]]
    scores: Optional[Scores]
    worst: List[Example]
    best: List[Example]
    taught: Curves  # shares and means of the pseudo-labels
    quality: Optional[Dict[str, float]]  # of the unlabeled images, in %
    missing: List[Missing]


def look_at(run: str, checkpoint: Optional[str], wanted: Wanted) -> ReportedRun:
    """Read a run, and score its network; images that are not there are a missing part, not an error.

    Args:
        run: Work dir, as ``tools/train.py`` writes it.
        checkpoint: Another checkpoint than the last.
        wanted: What to show.

    Raises:
        UserError: It is no work dir, or has no checkpoint, or the checkpoint does not fit.
        ValueError: It has no network of this name.
    """
    content = read_run(run, checkpoint)
    network = _load(content, wanted)
    scores, worst, best = None, [], []
    taught = {key: curve for key, curve in content.others.items() if is_taught(key, curve)}
    missing = list(_missing_logs(content, taught))
    try:
        dataset = open_images(network, wanted.part)
        scores = score_images(network, dataset, wanted.part, wanted.limit)
        chosen = choose_examples(scores, wanted.examples)
        worst, best = ([draw_example(network, dataset, one) for one in some] for some in chosen)
    except (DatasetError, UserError) as error:
        what = 'IoU per class, confusion, calibration, doubt and images'
        missing.append(Missing(what, str(error), tool_command('check', content.config)))
    quality = quality_of(content.folder, content.checkpoint)
    if quality is None and not quality_was_logged(taught) and learns_from_unlabeled(content):
        command = tool_command('test', content.config, content.checkpoint, '--unlabeled')
        missing.append(
            Missing(
                'Quality of the pseudo-labels',
                'needs masks of the unlabeled images; training never reads them',
                command,
            )
        )
    return ReportedRun(
        content=content,
        network=getattr(network.model, 'predictors', ('student',))[0],
        parameters=sum(parameter.numel() for parameter in network.model.parameters()),
        classes=list(network.classes),
        palette=network.palette.tolist(),
        scores=scores,
        worst=worst,
        best=best,
        taught=taught,
        quality=quality,
        missing=missing,
    )


def learns_from_unlabeled(content: RunContent) -> bool:
    """Check if a run trains on unlabeled images.

    Args:
        content: The run.
    """
    loader: Any = content.cfg.get('train_dataloader') or {}
    return bool((loader.get('dataset') or {}).get('unlabeled')) and content.cfg.model.type != 'Supervised'


def _load(content: RunContent, wanted: Wanted) -> TrainedNetwork:
    """Load the network, with the map of its localizer if it has one."""
    cfg = content.cfg
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    if cfg.model.get('localizer') and 'predict_correctness' in inspect.signature(MODELS.get(cfg.model.type)).parameters:
        cfg.model.predict_correctness = True
    model = load_model(cfg, str(content.checkpoint), wanted.network, wanted.device)
    return TrainedNetwork(model, cfg, dataset_meta(cfg))


def _missing_logs(content: RunContent, taught: Curves) -> List[Missing]:
    """List the curves that the run did not log."""
    train, missing = tool_command('train', content.config, '--work-dir', content.folder, '--resume'), []
    if not content.losses:
        missing.append(Missing('Curves, speed and memory of the training', *_why_no_losses(content)))
    if not content.validation and (content.losses or content.is_short):
        why = 'the run was never validated: train_cfg.val_interval is larger than its length, or it stopped early'
        missing.append(Missing('mIoU over the iterations', why, train))
    if content.losses and not taught and learns_from_unlabeled(content):
        missing.append(Missing('Share of the pseudo-labels', 'the method logs none', ''))
    if content.planned and content.iterations and content.iterations < content.planned:
        why = f'the checkpoint is of iteration {content.iterations} of {content.planned}'
        missing.append(Missing('The rest of the training', why, train))
    return missing


def _why_no_losses(content: RunContent) -> Tuple[str, str]:
    """Say why a run logged no iteration, and which command gives a run that does."""
    again = tool_command('train', content.config)
    if content.is_short:
        why = (
            f'the run logged no iteration: it has {content.length}, and is shorter than the interval of its log, '
            f'{content.logger_interval} (default_hooks.logger.interval)'
        )
        return why, f'{again} --cfg-options default_hooks.logger.interval={max(1, content.length // 10)}'
    why = (
        'the folder has no logs (*/vis_data/scalars.json): it is an export, they were deleted, or the run had no '
        'LocalVisBackend among vis_backends'
    )
    return why, again
