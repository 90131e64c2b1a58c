"""List, show, train and draw the tables and figures of the papers.

python tools/reproduce.py                                         # every table and figure of every paper
python tools/reproduce.py eln table5                              # the paper's numbers beside ours, and the protocol
python tools/reproduce.py eln table5 --rows '3*'                  # some rows
python tools/reproduce.py eln table3 --data camvid                # the same comparison on other data
python tools/reproduce.py eln table3 --data camvid --run --nice 10
python tools/reproduce.py soft_self_labeling table5 --plan table5.toml    # a plan for tools/run_benchmark.py
python tools/reproduce.py soft_self_labeling figure1 --out figure1.png
python tools/reproduce.py eln figure5 --run-dir work_dirs/eln_mbv2_camvid_8
"""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, readable_errors  # noqa: E402
from mmseg_ssl.tooling.matrix.papers import PaperTable  # noqa: E402
from mmseg_ssl.tooling.reproduction.cells import table_cells  # noqa: E402
from mmseg_ssl.tooling.reproduction.choose import choose, find_paper  # noqa: E402
from mmseg_ssl.tooling.reproduction.drawings import draw  # noqa: E402
from mmseg_ssl.tooling.reproduction.plan_writer import plan_text, write_plan  # noqa: E402
from mmseg_ssl.tooling.reproduction.protocol import missing_folders, protocol_of  # noqa: E402
from mmseg_ssl.tooling.reproduction.report import overview, table_report  # noqa: E402
from mmseg_ssl.tooling.run_records import read_records  # noqa: E402
from mmseg_ssl.tooling.trainings.benchmark import run_benchmark  # noqa: E402
from mmseg_ssl.tooling.trainings.plan import read_plan  # noqa: E402
from mmseg_ssl.utils.project_files import WORKSPACE  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('method', nargs='?', help='paper: dueb, farcluss, eln or soft_self_labeling')
    parser.add_argument('table', nargs='?', help='table or figure; all of the paper are listed without it')
    parser.add_argument('--rows', metavar='PATTERN', help='only rows whose names fit')
    parser.add_argument('--data', metavar='NAME', help="other data, e.g. camvid: the methods' configs there")
    parser.add_argument('--plan', type=Path, metavar='FILE', help='write the trainings as a plan, and start nothing')
    parser.add_argument('--run', action='store_true', help='train what has data; stop and repeat it as you like')
    parser.add_argument('--processes', type=at_least(1), default=1, help='with --run: trainings side by side')
    parser.add_argument('--nice', type=at_least(0), default=0, help='with --run: niceness of the trainings')
    parser.add_argument('--records', type=Path, default=WORKSPACE / 'configs/runs.jsonl', help='file of the records')
    figures = parser.add_argument_group('figures')
    figures.add_argument('--out', type=Path, help='file of the picture (default: work_dirs/reproduce/<name>.png)')
    figures.add_argument('--run-dir', type=Path, action='append', help='work dir of a training; may be given again')
    figures.add_argument('--images', type=at_least(1), default=3, help='number of images of the picture')
    add_debug_option(parser)
    return parser.parse_args(argv)


def train(name: str, table: PaperTable, args: argparse.Namespace) -> None:
    """Train the rows that have data, and say which ones have none."""
    missing: Dict[Tuple[str, ...], Dict[str, None]] = {}
    runnable = []
    cells = table_cells(table)
    for cell in cells:
        absent = tuple(missing_folders(cell)) if cell.config else ()
        if absent:
            missing.setdefault(absent, {})[cell.name] = None
        elif cell.config:
            runnable.append(cell)
    for folders, names in missing.items():
        print(f'no folder {", ".join(folders)}; left out: {", ".join(names)}')
    if not any(cell.config for cell in cells):
        raise UserError(f'{name} has no row with a config, so there is nothing to train.')
    if not runnable:
        bases = dict.fromkeys(
            f'configs/_base_/datasets/{cell.config.recipe.dataset}.py' for cell in cells if cell.config
        )
        raise UserError(f'nothing of {name} can be trained here: {", ".join(bases)} says where the data go.')
    plan = Path('work_dirs/reproduce') / f'{name.replace(" ", "_")}.toml'
    write_plan(plan, plan_text(name, runnable, table.draws))
    print(f'{plan}: the same as python tools/run_benchmark.py {plan}')
    if args.nice and hasattr(os, 'nice'):
        os.nice(args.nice)
    failures, whole = run_benchmark(read_plan(plan), args.processes, args.records)
    if failures:
        print('\n'.join([f'\n{len(failures)} failed:', *map(str, failures)]))
    if failures or not whole:
        sys.exit(1 if failures else 143)


def show(method: str, table: PaperTable, args: argparse.Namespace) -> None:
    """Print the numbers, with the protocol of the first config."""
    first = next((cell for cell in table_cells(table) if cell.config), None)
    further = [f'here: {protocol_of(first)} ({first.name})'] if first else []
    absent = missing_folders(first) if first else []
    further += [f'not on this machine: {", ".join(absent)}'] if absent else []
    print(table_report(method, table, read_records(args.records), further))


def main(argv: Optional[List[str]] = None) -> None:
    """List, show, train or draw."""
    args = parse_args(argv)
    if not args.table:
        papers = [find_paper(args.method)] if args.method else None
        print(overview(read_records(args.records), papers))
        return
    table = choose(args.method, args.table, args.rows, args.data)
    name = f'{args.method} {args.table}' + (f' {args.data}' if args.data else '')
    if args.plan:
        cells = [cell for cell in table_cells(table) if cell.config]
        write_plan(args.plan, plan_text(name, cells, table.draws))
        print(f'Wrote {args.plan}: python tools/run_benchmark.py {shlex.quote(str(args.plan))} --list')
        return
    if args.run:
        train(name, table, args)
    if table.drawing:
        out = args.out or Path('work_dirs/reproduce') / f'{name.replace(" ", "_")}.png'
        draw(table, read_records(args.records), args.run_dir or [], args.images, out)
        print(f'Drew {out}')
    if table.rows:
        show(args.method, table, args)


if __name__ == '__main__':
    with readable_errors():
        main()
