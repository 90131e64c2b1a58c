"""Reads the logs and metrics that ``tools/train.py`` and ``tools/test.py`` leave of a run."""

import re
from pathlib import Path
from typing import Any, Dict, List, Match, NamedTuple, Optional, Tuple

from mmengine.config import Config

from ..utils.json_lines import read_json_lines
from ..utils.project_files import CONFIGS
from .cli import UserError, read_json
from .matrix import METHODS
from .run_options import changed_options
from .trainings.provenance import read_provenance
from .unlabeled_images import LIST
from .work_dir_logs import data_summary_of, hardware_of, logged_scalars, training_cost, training_settings

CONFIG_NAME = re.compile(r'(?P<setting>[^_]+_[^_]+)_(?P<split>[^_]+)(_(?P<variant>.+))?')
"""A config's name behind its method: network and data, split, and the name of an ablation."""
HOW_MUCH = re.compile(r'(length|share)-.+')
"""A split that tells how much of every image is labeled, not which images are."""


class Run(NamedTuple):
    """One tested checkpoint, the last of its training."""

    method: str  # folder of the committed config; the model's class if there is none
    setting: str  # network and data: mbv2_camvid
    variant: str  # what the config's name says behind the split: filter-confidence
    labels: str  # list of labeled images without its draw, and how much of them is: camvid/1-16, camvid/train length-1
    draw: str  # the list itself
    options: Tuple[str, ...]  # key=value of what differs from the committed config
    config: str  # its name
    iterations: int
    seed: int
    metrics: Dict[str, float]
    val_metrics: Dict[str, float]  # of the same checkpoint: with the test, else of the training's last validation
    judge: str  # class of model.localizer, if it has one
    step_ms: Optional[float]  # median time of an iteration without waiting for data
    memory_mb: Optional[float]
    hardware: str
    images: str  # folder of the test images
    data: Optional[Dict[str, Any]] = None  # numbers of images, list and its hash, as DataSummaryHook wrote them
    provenance: Optional[Dict[str, Any]] = None  # what tools/run_benchmark.py wrote: commit, versions, seconds, ...


def find_runs(folders: List[Path]) -> List[Run]:
    """Read every test in some folders; of two tests of one checkpoint the later one counts.

    Raises:
        UserError: There is no test, or one is not of the last checkpoint of its run, or not of a method.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise UserError(f'there is no folder {", ".join(missing)}.')
    tests = {}
    for folder in folders:
        for path in sorted(folder.rglob('*.json'), key=lambda path: path.stem):
            of_unlabeled = (path.parents[1] / LIST).is_file()
            if (
                path.parent.name == path.stem
                and (path.parent / 'vis_data' / 'config.py').is_file()
                and not of_unlabeled
            ):
                try:
                    run = read_test(path, folders)
                except (AttributeError, KeyError, TypeError) as error:  # a setting that every method has
                    raise UserError(
                        f'{path}: its config ({path.parent}/vis_data/config.py) is not one of a method ({error}). '
                        'Give the work dirs of this package alone.'
                    ) from error
                tests[identity(run)] = run
    if not tests:
        raise UserError(f'no test below {", ".join(map(str, folders))}: run tools/test.py with --work-dir there first.')
    return list(tests.values())


def identity(run: Run) -> tuple:
    """Return the values that distinguish runs; names of configs do not (_8 is _1-16 with split=camvid/8)."""
    what = (run.method, run.setting, run.variant, run.options, run.labels, run.draw, run.iterations, run.seed)
    # a plan's variants may differ in what is no option here, such as the schedule
    return (*what, run.images, (run.provenance or {}).get('variant', ''))


def said_by_name(method: str, name: str) -> Optional[Match[str]]:
    """Return what a config's name says behind the method, as :data:`CONFIG_NAME` has it; None for another name."""
    return CONFIG_NAME.fullmatch(re.sub(f'^{method.replace("_", "[-_]")}_', '', name))


def read_test(path: Path, folders: List[Path]) -> Run:
    """Read one test.

    Args:
        path: Its metrics, ``<test>/<time>/<time>.json``.
        folders: Folders in which a moved training is looked up.

    Raises:
        UserError: It is not of the last checkpoint of its run, or the training is not there.
    """
    cfg = Config.fromfile(str(path.parent / 'vis_data' / 'config.py'))
    checkpoint = Path(cfg.load_from)
    training = _training_folder(checkpoint, folders)
    settings = training_settings(training)
    trained = _config_of(training, settings[0]) if settings else None
    # a test may name the committed config, without the list, seed and length of the training
    known = trained or cfg
    # a later process may have gone on for longer
    ended = Config.fromfile(str(settings[-1])) if len(settings) > 1 else known
    iterations = ended.train_cfg.max_iters
    if checkpoint.name != f'iter_{iterations}.pth':
        raise UserError(f'{path} tests {checkpoint.name}, which is not the last checkpoint (iter_{iterations}.pth).')
    name = next((file.stem for file in sorted(training.glob('*.py'))), '?')
    committed = next(iter(CONFIGS.glob(f'*/{name}.py')), None)
    method = committed.parent.name if committed else cfg.model.type
    said = said_by_name(method, name)
    logged, tested = logged_scalars(training), read_json_lines(path.parent / 'vis_data/scalars.json')
    draw = known.train_dataloader.dataset.split
    amount = f' {said["split"]}' if said and HOW_MUCH.fullmatch(said['split']) else ''
    return Run(
        method=method,
        setting=said['setting'] if said else name,
        variant=(said['variant'] or '') if said else '',
        labels=without_draw(draw) + amount,
        draw=draw,
        options=changed_options(committed, cfg, trained),
        config=name,
        iterations=iterations,
        seed=known.get('randomness', {}).get('seed', 0),
        metrics=read_json(path),
        val_metrics=_last_validation(tested) or _last_validation(logged),
        judge=(cfg.model.get('localizer') or {}).get('type', ''),
        **training_cost(logged),
        hardware=hardware_of(training),
        images=cfg.test_dataloader.dataset.data_prefix.img_path,
        data=data_summary_of(training),
        provenance=read_provenance(training),
    )


def without_draw(split: str) -> str:
    """Return the name of a list without its draw: ``camvid/1-16`` of ``camvid/1-16_draw0.txt``.

    Args:
        split: As in a config.
    """
    return re.sub(r'(_draw\d+)?\.txt$', '', split)


def method_names() -> Dict[str, str]:
    """Return the methods of the configs, by their folder, with their names in tables."""
    return {method.folder: method.title for method in METHODS}


def _training_folder(checkpoint: Path, folders: List[Path]) -> Path:
    """Return the folder of the run that wrote a checkpoint, even if it was moved into one of ``folders``."""
    if checkpoint.parent.is_dir():
        return checkpoint.parent
    for path in (path for folder in folders for path in folder.rglob(f'{checkpoint.parent.name}/*/vis_data')):
        return path.parents[1]
    raise UserError(f'the folder {checkpoint.parent.name} of the tested checkpoint {checkpoint.name} is not there.')


def _config_of(training: Path, settings: Path) -> Config:
    """Return the config of a training's process."""
    cfg = Config.fromfile(str(settings))
    if cfg.get('load_from') and read_provenance(training):
        cfg.load_from = Path(cfg.load_from).name  # in a plan each draw starts from another training, in one row
    return cfg


def _last_validation(logged: List[Dict[str, float]]) -> Dict[str, float]:
    return next((entry for entry in reversed(logged) if any(key.endswith('mIoU') for key in entry)), {})
