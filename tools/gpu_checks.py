"""Measure, in eight minutes, what only a GPU can show, and write one JSON file.

python tools/gpu_checks.py --out gpu_checks.json         # on a machine with a GPU
python tools/gpu_checks.py --dry-run                     # every line of it at tiny sizes, on the CPU
python tools/gpu_checks.py --table gpu_checks.json --readme docs/scaling.md

In this order: waits of the host for the device in a step of every method; the self-labeling solver as Triton kernels
(speed-up, share of a ResNet-101 step, peak memory); the runner beside a bare loop, and its share of waiting for data;
steps of ResNet-50 and 101 at 321, 513 and 801 and of DINOv2-S at 518. The file is written after every measurement; what
the time did not suffice for, and what failed, is named in it. Needs no dataset and no network.
"""

import argparse
import json
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.accelerator_checks import (  # noqa: E402
    DRY,
    FULL,
    Scale,
    check_loop,
    check_solver,
    check_steps,
    check_syncs,
)
from mmseg_ssl.tooling.accelerator_report import accelerator_report  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, read_json, readable_errors  # noqa: E402
from mmseg_ssl.tooling.readme_blocks import write_blocks  # noqa: E402
from mmseg_ssl.tooling.trainings.provenance import commit_of  # noqa: E402
from mmseg_ssl.utils.project_files import PROJECT  # noqa: E402

CHECKS = dict(syncs=check_syncs, solver=check_solver, loop=check_loop)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('gpu_checks.json'), help='json file (default: %(default)s)')
    parser.add_argument('--minutes', type=at_least(1), default=8, help='begin nothing after them (default: 8)')
    parser.add_argument('--dry-run', action='store_true', help='tiny sizes on the CPU: does everything still run?')
    parser.add_argument('--table', type=Path, metavar='JSON', help='measure nothing, show this measurement')
    parser.add_argument('--readme', type=Path, help='write the table between the lines <!-- gpu:begin/end -->')
    add_debug_option(parser)
    return parser.parse_args(argv)


def run_checks(scale: Scale, out: Path, seconds: float) -> Dict[str, Any]:
    """Run what there is time for, one check after the other, and write what was found after each.

    Args:
        scale: Sizes.
        out: The file.
        seconds: Begin nothing after them.

    Returns:
        The content of the file.
    """
    machine = torch.cuda.get_device_name(scale.device) if scale.cuda else 'a CPU'
    found: Dict[str, Any] = dict(machine=machine, torch=torch.__version__, commit=commit_of(PROJECT), checks={})
    found.update(problems={}, dry_run=not scale.cuda)
    end = time.monotonic() + seconds
    for name, check in CHECKS.items():
        attempt(found, name, end, lambda check=check, name=name: found['checks'].update({name: check(scale)}))
        write(out, found)

    def steps() -> None:
        for row in check_steps(scale):
            found['checks'].setdefault('steps', []).append(row)
            write(out, found)
            if time.monotonic() > end:
                raise TimeoutError('the time was over before all steps were measured')

    attempt(found, 'steps', end, steps)
    write(out, found)
    return found


def attempt(found: Dict[str, Any], name: str, end: float, run: Any) -> None:
    """Run a check if there is time; an error becomes a line of the file, and the next check has its turn."""
    if time.monotonic() > end:
        found['problems'][name] = 'the time was over'
        return
    begin = time.monotonic()
    try:
        run()
    except Exception as error:  # whatever it is, a GPU is there now for the others
        traceback.print_exc()
        found['problems'][name] = f'{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ""}'
    print(f'{name}: {time.monotonic() - begin:.0f} s', file=sys.stderr)


def write(out: Path, found: Dict[str, Any]) -> None:
    """Write the file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + '\n')


def main(argv: Optional[List[str]] = None) -> None:
    """Measure, print the table, and write it into a page."""
    args = parse_args(argv)
    if args.dry_run and args.readme:
        raise UserError('--dry-run measures nothing that a page may show. Leave --readme out.')
    init_default_scope('mmseg')
    MMLogger.get_instance('gpu_checks', log_level=logging.ERROR)
    if args.table:
        if not args.table.is_file():
            raise UserError(f'--table {args.table}: no such file. Measure with --out first.')
        found = read_json(args.table)
    elif not args.dry_run and not torch.cuda.is_available():
        raise UserError('there is no GPU here. --dry-run tries everything on the CPU.')
    else:
        found = run_checks(DRY if args.dry_run else FULL, args.out, 60 * args.minutes)
    print(accelerator_report(found))
    if args.readme:
        write_blocks(args.readme, dict(gpu=lambda: accelerator_report(found)))


if __name__ == '__main__':
    with readable_errors():
        main()
