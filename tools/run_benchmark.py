"""Run the trainings of a plan side by side: ``python tools/run_benchmark.py configs/benchmarks/msrc21.toml``.

Each training has its own cores. Afterwards its last checkpoint is tested on val and test, and the run is added to the
records. Stop it at any time with Ctrl-C or SIGTERM: the trainings save, and the same command continues from there, also
on another machine that has the records (and the work dirs of interrupted runs). Recorded runs are not repeated.
A failed run does not stop the others: all failures are listed at the end, with exit code 1.

python tools/run_benchmark.py configs/benchmarks/msrc21.toml --list            # what is done, and hours left
python tools/run_benchmark.py configs/benchmarks/msrc21.toml --only 'dueb*20*' # some trainings of it
"""

import argparse
import os
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.cli import add_debug_option, at_least, readable_errors  # noqa: E402
from mmseg_ssl.tooling.trainings.benchmark import recorded_digests, run_benchmark  # noqa: E402
from mmseg_ssl.tooling.trainings.plan import read_plan  # noqa: E402
from mmseg_ssl.tooling.trainings.progress import list_jobs  # noqa: E402
from mmseg_ssl.utils.project_files import WORKSPACE  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('plan', type=Path, help='TOML file that names the trainings, see docs/benchmarks.md')
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    parser.add_argument(
        '--processes',
        type=at_least(1),
        default=cores,
        help='trainings side by side, which share out the cores (default: one for each core)',
    )
    parser.add_argument(
        '--nice', type=at_least(0), default=0, help='niceness of the trainings, so that others go first'
    )
    parser.add_argument('--list', action='store_true', help='say what is done, running and open, and start nothing')
    parser.add_argument('--only', metavar='PATTERN', help="trainings whose line in --list fits, e.g. 'dueb*seed 0'")
    parser.add_argument('--records', type=Path, default=WORKSPACE / 'configs/runs.jsonl', help='file of the records')
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Run the plan, or say how far it is."""
    args = parse_args(argv)
    jobs = read_plan(args.plan, args.only)
    if args.list:
        print('\n'.join(list_jobs(jobs, recorded_digests(args.records), args.processes)))
        return
    if args.nice and hasattr(os, 'nice'):
        os.nice(args.nice)
    failures, whole = run_benchmark(jobs, args.processes, args.records)
    if failures:
        print('\n'.join([f'\n{len(failures)} of {len(jobs)} failed:', *map(str, failures)]))
    if failures or not whole:
        sys.exit(1 if failures else 143)


if __name__ == '__main__':
    with readable_errors():
        main()
