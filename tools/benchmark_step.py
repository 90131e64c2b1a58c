"""Measure the cost of a training step of every method, on one network and random data; no dataset needed.

python tools/benchmark_step.py                                            # every method of configs/, MobileNetV2, CPU
python tools/benchmark_step.py --network r50 --device cuda --batch 8+8 --out benchmark.json \
    --settings fp32 bf16+channels_last bf16+channels_last+compile
python tools/benchmark_step.py --table benchmark.json --readme configs/README.md        # from what was measured
python tools/benchmark_step.py --runner configs/dueb/dueb_unet_shapes_8.py              # tools/train.py, a bare loop

Every method is built from its config in configs/<method>/ (for 480x360 if CamVid has one), with its options, its
preprocessor and its optimizer, on the same network with random weights, once per setting. All run in this process, in
turns, one step per round, so that other load on the machine slows all of them equally. The report shows medians over
the rounds. U of --batch L+U is the number of unlabeled images per stream: a method that mixes two streams
(unlabeled_per_labeled=2) sees 2U; see the columns "calls" and "images". On a CPU the process keeps freed memory, as
torch does on a GPU.

With --runner, whole configs are trained on their own data, without validations: the runner with its hooks and logs, and
a bare loop of model.train_step over the same batches, --iters blocks of 5 steps each in turns.

The network's share of a step runs from the images to logits at their size, with side and auxiliary heads, and back. The
rest of loss() and backward() is the method's own maths: targets, mixing and losses, including the host's supervised
loss and accuracy. mmseg_ssl/tooling/benchmark/measure.py explains how they are separated.
"""

import argparse
import json
import logging
import platform
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.benchmark import (  # noqa: E402
    BASE,
    SHIPPED,
    Setup,
    StepMeter,
    build_measured_method,
    check_setting,
    find_method_configs,
)
from mmseg_ssl.tooling.benchmark.bare_loop import compare_with_bare_loop, loop_report  # noqa: E402
from mmseg_ssl.tooling.benchmark.report import cost_report  # noqa: E402
from mmseg_ssl.tooling.benchmark.settings import WORDS  # noqa: E402
from mmseg_ssl.tooling.cli import (  # noqa: E402
    UserError,
    add_debug_option,
    check_device,
    load_config,
    read_json,
    readable_errors,
)
from mmseg_ssl.tooling.readme_blocks import write_blocks  # noqa: E402
from mmseg_ssl.utils.freed_memory import keep_freed_memory  # noqa: E402
from mmseg_ssl.utils.project_files import PROJECT  # noqa: E402

WARM_UP = 2


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--methods', nargs='+', metavar='NAME', help='folders below configs/ (default: all)')
    parser.add_argument(
        '--network', default='mbv2', help='mbv2, r50, r101, dinov2s, tiny or the path of a config (default: mbv2)'
    )
    parser.add_argument('--crop', type=int, default=512, help='side of the crops (default: 512)')
    parser.add_argument('--batch', default='2+2', metavar='L+U', help='labeled and unlabeled images (default: 2+2)')
    parser.add_argument('--classes', type=int, default=21, help='number of classes (default: 21)')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or cuda:1 (default: cpu)')
    parser.add_argument(
        '--settings',
        nargs='+',
        metavar='SETTING',
        default=[BASE, SHIPPED],
        help=f'"{SHIPPED}", or words of {", ".join(WORDS)} with + between them (default: {BASE} {SHIPPED})',
    )
    parser.add_argument('--cpu-time', action='store_true', help='one CPU thread, only its own time: for a busy machine')
    parser.add_argument('--iters', type=int, default=10, help='rounds that count, after two of warm-up (default: 10)')
    parser.add_argument('--runner', nargs='+', metavar='CONFIG', help='compare the runner with a bare loop on these')
    parser.add_argument('--out', type=Path, help='json file for the measurement')
    parser.add_argument('--table', type=Path, metavar='JSON', help='measure nothing, show this measurement')
    parser.add_argument('--readme', type=Path, help='write the table between <!-- benchmark (or runner):begin/end -->')
    add_debug_option(parser)
    return parser.parse_args(argv)


def read_setup(args: argparse.Namespace) -> Setup:
    """Check the command line, and return the settings.

    Raises:
        UserError: A number or the device is not possible.
    """
    counts = args.batch.split('+')
    if len(counts) != 2 or not all(count.isdecimal() and int(count) > 0 for count in counts):
        raise UserError(f'--batch {args.batch}: give the labeled and the unlabeled images, such as 2+2.')
    if min(args.iters, args.crop, args.classes - 1) < 1:
        raise UserError('--iters and --crop are at least 1, --classes at least 2.')
    check_device(args.device)
    if args.cpu_time and args.device != 'cpu':
        raise UserError(f'--cpu-time is of the CPU, not of --device {args.device}. Leave one of them out.')
    for setting in args.settings:
        check_setting(setting, args.device)
    labeled, unlabeled = map(int, counts)
    return Setup(args.network, args.crop, labeled, unlabeled, args.classes, args.device, args.cpu_time)


def measure(setup: Setup, methods: Optional[List[str]], settings: List[str], rounds: int) -> Dict[str, Any]:
    """Measure methods in turns.

    Args:
        setup: Settings that all methods share.
        methods: Folders below ``configs/``, or None for all.
        settings: How their steps are computed.
        rounds: Number of measured steps per method.

    Returns:
        The measurement, ready for JSON.
    """
    meters = {}
    for name, config in find_method_configs(methods).items():
        print(f'building {name} ({config.relative_to(PROJECT)})', file=sys.stderr)
        for setting in settings:
            method = build_measured_method(name, config, setup, setting)
            meters[name, setting] = StepMeter(method, setup.device, setup.cpu_time)
    for number in range(WARM_UP + rounds):
        for meter in meters.values():
            if number == WARM_UP:
                meter.forget()
            meter.step()
            meter.replay()
        print(f'round {number + 1 - WARM_UP} of {rounds}', file=sys.stderr)
    rows = [
        dict(meter.result(), method=name, setting=setting, batch=meter.method.batch_size, memory=meter.memory())
        for (name, setting), meter in meters.items()
    ]
    return dict(setup=setup._asdict(), rounds=rounds, machine=_machine(setup.device), rows=rows)


def measure_runner(configs: List[str], blocks: int, cpu_time: bool) -> Dict[str, Any]:
    """Measure the runner beside a bare loop, as :func:`measure` does methods."""
    loops = {path: compare_with_bare_loop(load_config(path), blocks, cpu_time=cpu_time) for path in configs}
    return dict(machine=_machine('cuda' if torch.cuda.is_available() else 'cpu'), cpu_time=cpu_time, loops=loops)


def _machine(device: str) -> Dict[str, Any]:
    """Return the hardware and versions of this measurement."""
    cuda = device.startswith('cuda')
    name = torch.cuda.get_device_name(device) if cuda else f'CPU ({platform.machine()}, {_capability()})'
    return dict(device=name, threads=torch.get_num_threads(), torch=torch.__version__)


def _capability() -> str:
    return torch.backends.cpu.get_cpu_capability()


def main(argv: Optional[List[str]] = None) -> None:
    """Measure, print the table, and write the requested files."""
    args = parse_args(argv)
    init_default_scope('mmseg')
    keep_freed_memory()
    if args.cpu_time:
        torch.set_num_threads(1)  # process time adds up the times of all threads
    MMLogger.get_instance('benchmark', log_level=logging.ERROR)  # the table alone goes to the output
    if args.table and not args.table.is_file():
        raise UserError(f'--table {args.table}: no such file. Measure with --out first.')
    if args.table:
        found = read_json(args.table)
    elif args.runner:
        found = measure_runner(args.runner, args.iters, args.cpu_time)
    else:
        found = measure(read_setup(args), args.methods, args.settings, args.iters)
    name, report = ('runner', loop_report) if 'loops' in found else ('benchmark', cost_report)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(found, indent=1) + '\n')
    print(report(found))
    if args.readme:
        write_blocks(args.readme, {name: lambda: report(found)})


if __name__ == '__main__':
    with readable_errors():
        main()
