"""Evaluate a checkpoint: ``python tools/test.py <config> <checkpoint>``."""

import argparse
import os
import sys
from pathlib import Path
from typing import List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from mmengine.config import Config, ConfigDict  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.datasets.checks import Report, check_scored_set  # noqa: E402
from mmseg_ssl.engine import build_runner  # noqa: E402
from mmseg_ssl.evaluation import SemiIoUMetric  # noqa: E402
from mmseg_ssl.tooling.class_table import report_classes  # noqa: E402
from mmseg_ssl.tooling.cli import CfgOptions, UserError, add_debug_option, load_config, readable_errors, set_launcher  # noqa: E402
from mmseg_ssl.tooling.tta_pipeline import tta_pipeline_of  # noqa: E402
from mmseg_ssl.tooling.unlabeled_images import score_unlabeled_images  # noqa: E402
from mmseg_ssl.utils.image_names import image_root  # noqa: E402
from mmseg_ssl.utils.processes import is_first_process  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line: mmseg's options, which networks and sets are scored, and two further metrics."""
    parser = argparse.ArgumentParser(description='Test (and evaluate) a segmentor')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    parser.add_argument('--work-dir', help='folder of the metrics as json (default: work_dirs/<config name>)')
    parser.add_argument('--out', help='folder to save the predicted masks in, in the sub-folders of the images')
    parser.add_argument(
        '--predict-on',
        nargs='+',
        metavar='NAME',
        help='which network predicts, e.g. student teacher: several are evaluated in one pass',
    )
    parser.add_argument('--val', action='store_true', help='evaluate on the validation set, too, before the test set')
    parser.add_argument('--unlabeled', action='store_true', help='score the unlabeled images, not the test set')
    parser.add_argument('--uncertainty', action='store_true', help='also score which maps tell wrong pixels from right')
    parser.add_argument(
        '--known-classes', action='store_true', help='also score as if the classes of images were known'
    )
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--show-dir', help='folder to save painted predictions in')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds that --show shows a picture')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation (sizes and mirror images)')
    parser.add_argument('--allow-missing', action='store_true', help='only warn if the checkpoint lacks weights')
    parser.add_argument('--verbose', action='store_true', help='show all of the log: environment, config, hooks ...')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. test_dataloader.batch_size=4',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by old launchers')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if args.tta and (args.val or args.uncertainty or args.known_classes):
        parser.error('--tta goes alone: its views are those of the test set, and it keeps no logits for further scores')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def enable_drawing(cfg: Config, args: argparse.Namespace) -> None:
    """Turn on the hook that draws predictions.

    Raises:
        UserError: The config has no such hook.
    """
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None:
        raise UserError(
            "--show and --show-dir need default_hooks.visualization=dict(type='SegVisualizationHook') in the config."
        )
    hook.draw = True
    if args.show:
        hook.update(show=True, wait_time=args.wait_time)
    if args.show_dir:
        hook.interval = 1  # every picture; the host's hook leaves out 49 of 50
        if hook.type == 'SegVisualizationHook':
            hook.type = 'SemiVisualizationHook'
        cfg.visualizer.save_dir = args.show_dir


def enable_tta(cfg: Config) -> None:
    """Wrap the model and the pipeline for test-time augmentation, with the host's sizes unless the config has some."""
    wrapper = dict(cfg.get('tta_model') or dict(type='SemiTTAModel'))
    if wrapper['type'] == 'SegTTAModel':
        wrapper['type'] = 'SemiTTAModel'  # the host's merges one network, and no binary head
    dataset = cfg.test_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    if not cfg.get('tta_pipeline') and 'pipeline' not in dataset:
        raise UserError('--tta: the config has neither tta_pipeline nor test_dataloader.dataset.pipeline.')
    dataset.pipeline = cfg.get('tta_pipeline') or tta_pipeline_of(dataset.pipeline)
    cfg.model = dict(wrapper, module=cfg.model)


def evaluators(cfg: Config, part: str = 'test') -> List[ConfigDict]:
    """Configs of the metrics of a set, ``test`` or ``val``.

    Raises:
        UserError: There is none.
    """
    other = dict(test='; those of validation may do', val='')[part]
    found = cfg.get(f'{part}_evaluator')
    if not found or not cfg.get(f'{part}_dataloader'):
        raise UserError(f'the config has no {part}_dataloader or no {part}_evaluator{other}.')
    return found if isinstance(found, list) else [found]


def add_metric(cfg: Config, name: str, part: str = 'test') -> None:
    """Append a metric to those of a set, unless it is there."""
    found = evaluators(cfg, part)
    if all(evaluator.type != name for evaluator in found):
        cfg[f'{part}_evaluator'] = [*found, dict(type=name)]


def check_data(cfg: Config, parts: Sequence[str]) -> List[Report]:
    """Look at the files that are scored before anything is written; the first process does it for all."""
    return [check_scored_set(cfg, part) for part in parts] if is_first_process() else []


def apply_options(cfg: Config, args: argparse.Namespace, parts: Sequence[str]) -> None:
    """Change a config as the options about networks, metrics and pictures of these parts say."""
    if args.predict_on:
        cfg.model.predict_on = args.predict_on[0] if len(args.predict_on) == 1 else args.predict_on
    for name, wanted in (('UncertaintyMetric', args.uncertainty), ('KnownClassesMetric', args.known_classes)):
        for part in parts if wanted else ():
            add_metric(cfg, name, part)
    if args.show or args.show_dir:
        enable_drawing(cfg, args)
    if args.tta:
        enable_tta(cfg)
    if args.out:
        evaluators(cfg)[0].output_dir = args.out  # of several metrics the first one writes


def name_by_folder(runner: Runner) -> None:
    """Tell the metric that writes masks the folder of the images."""
    for metric in runner.test_loop.evaluator.metrics:
        if isinstance(metric, SemiIoUMetric) and metric.image_root is None:
            metric.image_root = image_root(runner.test_loop.dataloader.dataset)


def main(argv: Optional[List[str]] = None) -> dict:
    """Evaluate as the command line says and return the metrics."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    if '://' not in args.checkpoint and not Path(args.checkpoint).is_file():
        raise UserError(f'there is no checkpoint {args.checkpoint}.')
    cfg.load_from, cfg.resume = args.checkpoint, False
    set_launcher(cfg, args.launcher)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs', Path(args.config).stem))
    if args.unlabeled:
        cfg.work_dir += '' if args.work_dir else '_on-unlabeled'  # no results of the test set
        score_unlabeled_images(cfg, Path(cfg.work_dir))
    parts = ('test', 'val') if args.val else ('test',)
    for evaluator in [evaluator for part in parts for evaluator in evaluators(cfg, part)]:
        if evaluator.type == 'IoUMetric':
            evaluator.type = 'SemiIoUMetric'  # the host's scores one network, and writes equal names over each other
    reports = check_data(cfg, parts)
    apply_options(cfg, args, parts)
    hooks = cfg.setdefault('default_hooks', {})
    hooks['weights'] = dict(type='CheckWeightsHook', allow_missing=args.allow_missing)
    runner = build_runner(cfg, args.verbose, tables=args.verbose, scores=True)
    for report in reports:
        report.log(runner.logger)
    if args.show_dir and runner.world_size > 1:
        raise UserError('--show-dir: only the first of several processes draws. Run with one process to have all.')
    if args.out:
        name_by_folder(runner)
    if args.val:
        runner.val()
    metrics = runner.test()
    loops = dict(val=runner.val_loop, test=runner.test_loop) if args.val else dict(test=runner.test_loop)
    report_classes(loops, runner.log_dir)
    return metrics


if __name__ == '__main__':
    with readable_errors():
        main()
