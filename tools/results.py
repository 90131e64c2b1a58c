"""Write tables of results into READMEs from the logs of the runs: ``python tools/results.py work_dirs``.

Reads what ``tools/train.py`` and ``tools/test.py`` left: the metrics of a test, the config that it dumped beside them
(network, list, seed, checkpoint), and the logs of the training that wrote the checkpoint (hardware, time, memory).
A README has a table between the lines ``<!-- results:begin classes=pole,sign -->`` (``classes`` get a column of their
IoU) and ``<!-- results:end -->``. So have others: ``localizer`` is that of ELN's localizer, ``uncertainty`` says which
maps find errors, of runs tested with ``--uncertainty``, and ``<!-- comparison:begin plan=configs/benchmarks/msrc21.toml
-->`` begins the table of a plan of ``tools/run_benchmark.py``, by paired differences; ``groups``, which also names the
folder of the masks, the same by how many labeled images show a class. ``--records`` keeps what the tables need of every
run in a file, so that rows can be added when the work dirs of the others are gone.

python tools/results.py work_dirs                                     # configs/README.md
python tools/results.py work_dirs --readme configs/eln/README.md --methods supervised,eln --lists camvid/8,camvid/1-16
python tools/results.py work_dirs/new --records configs/runs.jsonl    # the new runs beside those of the file
"""

import argparse
import shlex
import sys
from collections import defaultdict
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import mmseg_ssl  # noqa: E402, F401  (patches the host, which reads configs)
from mmseg_ssl.tooling.class_groups import class_group_report  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, readable_errors  # noqa: E402
from mmseg_ssl.tooling.comparison import comparison_report  # noqa: E402
from mmseg_ssl.tooling.localizer_table import localizer_report  # noqa: E402
from mmseg_ssl.tooling.readme_blocks import write_blocks  # noqa: E402
from mmseg_ssl.tooling.results_table import results_table  # noqa: E402
from mmseg_ssl.tooling.run_logs import Run, find_runs, method_names  # noqa: E402
from mmseg_ssl.tooling.run_records import add_records  # noqa: E402
from mmseg_ssl.tooling.uncertainty_table import uncertainty_report  # noqa: E402
from mmseg_ssl.utils.project_files import CONFIGS, WORKSPACE  # noqa: E402


def choose(
    runs: List[Run], methods: Optional[str], lists: Optional[str], as_committed: bool = False
) -> Tuple[List[Run], List[str]]:
    """Keep the runs of some methods and lists, both separated by commas, or only those that changed no setting.

    Returns:
        The runs, and the methods in the order of the rows.

    Raises:
        UserError: A method is not known, or nothing is left.
    """
    known = {*method_names(), *(run.method for run in runs)}
    wanted = methods.split(',') if methods else sorted(known, key=lambda name: (name != 'supervised', name))
    if not known.issuperset(wanted):
        raise UserError(f'--methods {methods}: the methods are {",".join(sorted(known))}.')
    kept = [run for run in runs if run.method in wanted and (not lists or run.labels in lists.split(','))]
    kept = [run for run in kept if not (as_committed and run.options)]
    if not kept:
        there = ', '.join(sorted({f'{run.method} on {run.labels}' for run in runs}))
        raise UserError(f'no run of {methods or "any method"} on {lists or "any list"}; there are {there}.')
    return kept, wanted


def results_report(runs: List[Run], methods: List[str], by_draw: bool = False, classes: str = '') -> str:
    """Make the block of results: one table per network and dataset, and how the numbers were made.

    Args:
        runs: Runs to show.
        methods: In the order of the rows.
        by_draw: Give every draw a row of its own.
        classes: Classes that have a column, separated by commas.
    """
    settings = defaultdict(list)
    for run in runs:
        settings[run.setting].append(run)
    images, hardware = (sorted({getattr(run, part) for run in runs}) for part in ('images', 'hardware'))
    lines = [
        f'IoU and calibration error (ECE, 15 bins) in % on `{"`, `".join(images)}` of the LAST checkpoint: mean ± '
        'sample deviation over the draws of the labeled images, whose numbers are given: rows of other draws do not '
        'compare. The classes and the ECE are those of the first network. ms per step: the median of the '
        "training's own log, without waiting for data, on a machine that may have had other work "
        '(`tools/benchmark_step.py` compares under equal conditions). Memory in MB: the peak that torch allocated on '
        'an accelerator; on a CPU the peak of the whole process, libraries (about 500 MB) and all. '
        '-: not measured, or not defined.',
    ]
    for setting, group in sorted(settings.items()):
        lines += [
            f'**{setting.replace("_", ", ")}**' if len(settings) > 1 else '',
            results_table(group, methods, by_draw, classes.split(',')),
        ]
    seeds = ', '.join(sorted({str(run.seed) for run in runs}))
    lines += [f'Seed {seeds}. Hardware: {"; ".join(hardware)}. Made by `tools/results.py` from the logs.']
    return '\n\n'.join([part for part in lines if part] + [f'Each draw k of a row:\n\n{commands(runs)}'])


def commands(runs: List[Run]) -> str:
    """Return the command lines of all rows, as a block of code."""
    lines = []
    for name, options, labels in sorted({(run.config, run.options, run.labels) for run in runs}):
        drawn = any(run.labels == labels and '_draw' in run.draw for run in runs)
        split = f'train_dataloader.dataset.split={labels.split()[0]}{"_draw<k>" if drawn else ""}.txt'
        folder = next((path.parent.name for path in CONFIGS.glob(f'*/{name}.py')), '?')
        words = ' '.join([split, *map(shlex.quote, options)])
        lines.append(f'python tools/train.py configs/{folder}/{name}.py --cfg-options {words}')
    return '\n'.join(['```bash', *lines, '```'])


def find_file(name: str) -> Path:
    """Return the path of what a README names from the top of the checkout."""
    return Path(name) if Path(name).exists() else ROOT / name


def main(argv: Optional[List[str]] = None) -> None:
    """Write the blocks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folders', nargs='*', type=Path, help='work dirs of trainings and tests, at any depth')
    parser.add_argument(
        '--records', type=Path, help='file that these runs are added to, and whose runs all go into the tables'
    )
    parser.add_argument(
        '--readme',
        action='append',
        type=Path,
        help='file with the markers (default: configs/README.md); may be given again',
    )
    parser.add_argument(
        '--methods', help='what names of configs begin with, separated by commas, in the order of the rows'
    )
    parser.add_argument('--lists', help='as in the first column, separated by commas')
    parser.add_argument(
        '--as-committed', action='store_true', help='leave out runs that changed a setting of their config'
    )
    parser.add_argument('--by-draw', action='store_true', help='a row for every draw, instead of means over draws')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if not args.folders and not args.records:
        raise UserError('nothing to read: give work dirs, or --records with a file of earlier runs.')
    runs = find_runs(args.folders) if args.folders else []
    runs = add_records(args.records, runs) if args.records else runs
    everything = runs
    runs, methods = choose(runs, args.methods, args.lists, args.as_committed)
    make: Dict[str, Callable[..., str]] = dict(
        results=lambda classes='': results_report(runs, methods, args.by_draw, classes),
        localizer=lambda: localizer_report(runs, methods),
        uncertainty=lambda: uncertainty_report(runs, methods),
        comparison=lambda plan: comparison_report(everything, find_file(plan)),
        groups=lambda plan, masks, other='': class_group_report(everything, find_file(plan), find_file(masks), other),
    )
    for readme in args.readme or [WORKSPACE / 'configs/README.md']:
        print(f'Wrote {" and ".join(write_blocks(readme, make))} into {readme}')


if __name__ == '__main__':
    with readable_errors():
        main()
