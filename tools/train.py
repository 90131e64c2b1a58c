"""Train a method: ``python tools/train.py configs/dueb/dueb_mbv2_camvid_1-16.py``."""

import argparse
import contextlib
import copy
import functools
import os
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmseg.registry import MODELS  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.datasets.checks import Report, check_semi_dataset  # noqa: E402
from mmseg_ssl.engine import (  # noqa: E402
    HOOKS_OF_EVERY_RUN,
    add_hooks,
    build_runner,
    find_resumable,
    lock_run,
    misfit,
    release_run,
    stop_on_signals,
    use_safe_checkpoints,
)
from mmseg_ssl.tooling.cli import CfgOptions, UserError, add_debug_option, load_config, readable_errors, set_launcher  # noqa: E402
from mmseg_ssl.tooling.speed_options import add_speed_options, apply_speed_options  # noqa: E402
from mmseg_ssl.utils.freed_memory import keep_freed_memory  # noqa: E402
from mmseg_ssl.utils.processes import is_first_process, readable_network_errors, watch_peers  # noqa: E402
from mmseg_ssl.utils.weight_files import find_weights  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line: mmseg's options, and ``--seed``."""
    parser = argparse.ArgumentParser(description='Train a segmentor')
    parser.add_argument('config', nargs='?', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='continue from FILE, or without FILE from the last complete checkpoint in the work dir',
    )
    parser.add_argument('--seed', type=int, help="seed of everything random (default: the config's, else 0)")
    parser.add_argument('--verbose', action='store_true', help='show all of the log: environment, config, hooks ...')
    add_speed_options(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_cfg.max_iters=100 model.weight="[1,2]"',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by old launchers')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if args.config is None and str(args.resume).endswith('.py'):  # train.py --resume config.py
        args.config, args.resume = args.resume, 'auto'
    if args.config is None and str(args.amp).endswith('.py'):  # train.py --amp config.py
        args.config, args.amp = args.amp, 'auto'
    if args.config is None:
        parser.error('the config file is missing')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def set_resume(cfg: Config, resume: Optional[str]) -> None:
    """Set the checkpoint from which the run continues: that of ``--resume``, or as the config's ``resume`` says.

    Raises:
        UserError: The given file is not usable, or none of those in the work dir is.
    """
    option = f'--resume {resume}'
    if resume is None and cfg.get('resume'):  # as the host: from load_from if there is one
        resume = cfg.get('load_from') or 'auto'
        option = f"the config's resume=True with load_from={resume}"
    model = functools.lru_cache(None)(lambda: MODELS.build(copy.deepcopy(cfg.model)))  # if there is any file at all
    cfg.resume = resume is not None
    if resume == 'auto':
        found = find_resumable(cfg.work_dir, lambda path: misfit(path, model()))
        cfg.resume = found is not None
        cfg.load_from = str(found) if found else cfg.get('load_from')
    elif resume is not None:
        if '://' not in resume and not Path(resume).is_file():
            raise UserError(f'{option}: no such file.')
        reason = '' if '://' in resume else misfit(resume, model())
        if reason:
            raise UserError(f'{option}: it {reason}. To start from its weights alone, use load_from without it.')
        cfg.load_from = resume


def check_data(cfg: Config) -> Optional[Report]:
    """Check the labeled images and masks before training starts; the first process does it for all."""
    return check_semi_dataset(cfg) if is_first_process() else None


def main(argv: Optional[List[str]] = None) -> None:
    """Train as the command line says."""
    args = parse_args(argv)
    if not torch.cuda.is_available():
        keep_freed_memory()
    cfg = load_config(args.config, args.cfg_options)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs', Path(args.config).stem))
    cfg.randomness = dict(dict(seed=0, diff_rank_seed=False), **cfg.get('randomness', {}))
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    apply_speed_options(cfg, args)
    if cfg.train_cfg.get('by_epoch'):  # the host's short form, which is for its own loop
        del cfg.train_cfg['by_epoch']
        cfg.train_cfg.type = 'SemiEpochTrainLoop'
    if args.resume is None:
        find_weights(cfg)  # before the run's folder is made
    report = check_data(cfg)
    stops = use_safe_checkpoints(cfg)
    cfg.default_hooks.setdefault('weights', dict(type='CheckWeightsHook'))
    add_hooks(cfg, **HOOKS_OF_EVERY_RUN)
    if is_first_process():
        lock_run(cfg.work_dir)
    with stop_on_signals(release_run) if stops else contextlib.nullcontext(), readable_network_errors():
        try:
            run(cfg, args, report)
        finally:
            release_run()


def run(cfg: Config, args: argparse.Namespace, report: Optional[Report]) -> None:
    """Build the runner and train, as one process of the job."""
    set_launcher(cfg, args.launcher)
    set_resume(cfg, args.resume)
    find_weights(cfg)
    runner = build_runner(cfg, args.verbose)
    if report:
        report.log(runner.logger)
    with watch_peers(release_run):
        runner.train()


if __name__ == '__main__':
    with readable_errors():
        main()
