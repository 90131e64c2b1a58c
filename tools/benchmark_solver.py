r"""Compare the self-labeling solvers with the paper's 200 steps of gradient descent by autograd, in one run.

python tools/benchmark_solver.py                              # drawn images, on the CPU
python tools/benchmark_solver.py --device cuda --batch 12 --classes 21 --size 513 513 \
    --network configs/_base_/networks/deeplabv3plus_r101-d16.py         # and their share of a training step
python tools/benchmark_solver.py --images data/camvid/img_dir/train --masks data/camvid/ann_dir/train --classes 11 \
    --relaxation bilinear quadratic collision_divergence

All start from the same prediction and are timed in turns, so that a busy machine slows all; only the ratio matters.
Jaccard is the soft index of the labels and the reference's, entropy their mean in nats over all pixels. Memory is the
peak without the inputs, in tensors of the size of the logits. The fused solver needs a GPU and Triton.
"""

import argparse
import shlex
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from torch import Tensor  # noqa: E402

from mmseg_ssl.ops.label_descent import STEPS  # noqa: E402
from mmseg_ssl.ops.potts import RELAXATIONS  # noqa: E402
from mmseg_ssl.ops.unary import UNARIES  # noqa: E402
from mmseg_ssl.targets import self_label  # noqa: E402
from mmseg_ssl.targets.labeling_problem import labeling_problem  # noqa: E402
from mmseg_ssl.tooling.benchmark import Setup, StepMeter, build_measured_method, find_method_configs  # noqa: E402
from mmseg_ssl.tooling.benchmark.clock import peak_memory  # noqa: E402
from mmseg_ssl.tooling.benchmark.scribbled_batch import blur_and_scribble, draw_blobs, load_crops  # noqa: E402
from mmseg_ssl.tooling.benchmark.solved_labels import descend_by_autograd, describe  # noqa: E402
from mmseg_ssl.tooling.cli import add_debug_option, at_least, check_device, readable_errors  # noqa: E402
from mmseg_ssl.tooling.readme_blocks import write_blocks  # noqa: E402
from mmseg_ssl.utils.packages import is_installed  # noqa: E402

Batch = Tuple[Tensor, Tensor, Tensor]
Seconds = Dict[str, List[float]]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--batch', type=at_least(1), default=2, help='images')
    parser.add_argument('--classes', type=at_least(2), default=11)
    parser.add_argument('--size', type=at_least(8), nargs=2, default=[256, 256], metavar=('H', 'W'), help='crop')
    parser.add_argument('--images', type=Path, help='folder of .jpg images, with --masks; drawn ones if not given')
    parser.add_argument('--masks', type=Path, help='folder of .png masks of the same names')
    parser.add_argument('--relaxation', nargs='+', default=['collision_divergence'], choices=RELAXATIONS)
    parser.add_argument('--cross-entropy', default='collision', choices=UNARIES)
    parser.add_argument('--connectivity', type=int, default=4, choices=(4, 8))
    parser.add_argument('--steps', type=at_least(1), default=STEPS, help='of gradient descent (default %(default)s)')
    parser.add_argument(
        '--network', help='also time a supervised step of it: mbv2, r50, r101, dinov2s, tiny or the path of a config'
    )
    parser.add_argument('--readme', type=Path, help='write the report between the lines <!-- solver:begin/end -->')
    parser.add_argument('--repeats', type=at_least(1), default=3)
    parser.add_argument('--seed', type=int, default=0)
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Measure, print the report, and write it into a README."""
    argv = sys.argv[1:] if argv is None else argv
    args = parse_args(argv)
    check_device(args.device)
    lines = compare(args)
    print('\n'.join(lines))
    if args.readme:
        words = [word for word in argv if word not in ('--readme', str(args.readme))]
        command = f'$ {shlex.join(["python", "tools/benchmark_solver.py", *words])}'
        write_blocks(args.readme, dict(solver=lambda: '\n'.join(['```', command, *lines, '```'])))


def compare(args: argparse.Namespace) -> List[str]:
    """Run the solvers in turns, and a training step if a network is given; return the lines of the report."""
    torch.manual_seed(args.seed)
    batch = make_batch(args)
    lines = [
        f'{tuple(batch[0].shape)} on {args.device}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
        f'{args.cross_entropy}, {args.connectivity} neighbors'
    ]
    for relaxation in args.relaxation:
        more, seconds = compare_solvers(batch, relaxation, args)
        lines += more
    if args.network:
        del batch
        lines += shares(seconds, training_step(args))
    return lines


def compare_solvers(batch: Batch, relaxation: str, args: argparse.Namespace) -> Tuple[List[str], Seconds]:
    """Run the solvers with one relaxation; return lines of the report, and the seconds of every solver in each turn."""
    options = dict(relaxation=relaxation, cross_entropy=args.cross_entropy, connectivity=args.connectivity)
    energy, start = labeling_problem(*batch, **options)
    runs = solvers(batch, options, args)
    seconds: Seconds = {name: [] for name in runs}
    labels: Dict[str, Tensor] = {}
    for name, run in (pair for _ in range(args.repeats) for pair in runs.items()):
        began = now(args.device)
        labels[name] = run().flatten(2)
        seconds[name].append(now(args.device) - began)
    reference = labels['reference']
    lines = [f'{relaxation}: prediction {describe(start, reference, energy)}']
    lines += [f'{name:14} {describe(y, reference, energy)}   {speed_up(seconds, name)}' for name, y in labels.items()]
    if 'fused' not in runs:
        lines.append('fused          not run')
    for name in runs if is_cuda(args.device) else ():
        memory = peak_memory(runs[name], 0, args.device) / batch[0].nbytes
        lines.append(f'memory         {name} {memory:.2f} tensors of the size of the logits')
    return lines, seconds


def solvers(batch: Batch, options: Dict[str, Any], args: argparse.Namespace) -> Dict[str, Callable[..., Tensor]]:
    """Return the solvers that can run on this machine; the first is the reference."""
    problem = labeling_problem(*batch, **options)
    runs: Dict[str, Callable[..., Tensor]] = dict(reference=partial(descend_by_autograd, *problem, args.steps))
    for name in ('gd', 'chebyshev'):
        runs[name] = partial(self_label, *batch, **options, solver=name, steps=args.steps)
    runs['multiplicative'] = partial(self_label, *batch, **options, solver='multiplicative')
    if is_cuda(args.device) and is_installed('triton'):
        runs['fused'] = partial(runs['multiplicative'], solver='fused')
    return runs


def is_cuda(device: str) -> bool:
    """Check if a device is a CUDA GPU."""
    return torch.device(device).type == 'cuda'


def make_batch(args: argparse.Namespace) -> Batch:
    """Make images, a prediction that is blurred and partly wrong, and scribbles on about 3 % of the pixels."""
    if args.images is None:
        images, truth = draw_blobs(args.batch, args.classes, args.size)
    else:
        images, truth = load_crops(args.images, args.masks, args.batch, args.size)
    logits, seeds = blur_and_scribble(truth, args.classes)
    return logits.to(args.device), images.to(args.device), seeds.to(args.device)


def now(device: str) -> float:
    """Return the time when the device has done its work."""
    if is_cuda(device):
        torch.cuda.synchronize()
    return time.perf_counter()


def training_step(args: argparse.Namespace) -> float:
    """Return the seconds of a supervised step of a network with random weights on such a batch."""
    init_default_scope('mmseg')
    setup = Setup(args.network, args.size[0], args.batch, args.batch, args.classes, args.device)
    meter = StepMeter(
        build_measured_method('supervised', find_method_configs(['supervised'])['supervised'], setup), args.device
    )
    return meter.median_step(2, args.repeats) / 1000


def shares(seconds: Seconds, step: float) -> List[str]:
    """Return how much longer a training step takes with each solver."""
    found = {name: statistics.median(turns) for name, turns in seconds.items()}
    return [
        f'share          {name} adds {100 * own / step:.1f} % to a step of {step:.3f} s' for name, own in found.items()
    ]


def speed_up(seconds: Seconds, name: str) -> str:
    """Return the time of a solver, and its speed-up over the reference in each turn."""
    ratios = [slow / quick for slow, quick in zip(seconds['reference'], seconds[name])]
    turns = ', '.join(f'{ratio:.1f}' for ratio in ratios)
    return f'{statistics.median(seconds[name]):.3f} s   {statistics.median(ratios):.1f} times faster (of {turns})'


if __name__ == '__main__':
    with readable_errors():
        main()
