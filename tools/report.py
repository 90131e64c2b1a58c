"""Write one HTML page about one or several runs: curves, classes, confusion, calibration, doubt, images, cost, data.

python tools/report.py work_dirs/my_config                              # work_dirs/my_config/report.html
python tools/report.py work_dirs/one work_dirs/two --out both.html      # side by side
python tools/report.py work_dirs/my_config --part test --limit 200      # on at most 200 test images

The page is one file and loads nothing, so it can be sent as it is. What a run did not leave is named on it, with the
command that gives it.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, check_device, readable_errors  # noqa: E402
from mmseg_ssl.tooling.html_pages import require_free, write_page  # noqa: E402
from mmseg_ssl.tooling.report import Wanted, look_at, report_page  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', nargs='+', metavar='RUN', help='work dir of a training')
    parser.add_argument('--out', type=Path, help='the page (default: report.html in the work dir of the first run)')
    parser.add_argument('--part', choices=['val', 'test'], default='val', help='images to score (%(default)s)')
    parser.add_argument('--examples', type=at_least(0), default=3, help='best images, and worst ones (%(default)s)')
    parser.add_argument('--limit', type=at_least(1), help='score at most so many images, evenly spaced (default: all)')
    parser.add_argument('--checkpoint', help="of a single run; default: the run's last")
    parser.add_argument('--predict-on', metavar='NAME', help="network, e.g. teacher (default: the config's first)")
    parser.add_argument('--device', help='default: a GPU if there is one')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if args.checkpoint and len(args.runs) > 1:
        parser.error('--checkpoint goes with a single run')
    return args


def main(argv: Optional[List[str]] = None) -> None:
    """Score the runs, and write the page.

    Raises:
        UserError: A folder is no run, or the page would replace another file.
    """
    args = parse_args(argv)
    if args.device:
        check_device(args.device)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    wanted = Wanted(args.part, args.examples, args.limit, args.predict_on, device)
    missing = [run for run in args.runs if not Path(run).exists()]
    if missing:  # before the first run is scored
        raise UserError(f'there is no run {", ".join(missing)}. Give work dirs of trainings.')
    if args.out:
        require_free(args.out)  # before minutes of scoring
    runs = [look_at(run, args.checkpoint, wanted) for run in args.runs]
    out = args.out or runs[0].content.folder / 'report.html'
    write_page(out, report_page(runs))
    for run in runs:
        for part in run.missing:
            print(f'{run.content.name}: not on the page: {part.what} ({part.why})')
    print(f'The report is in {out}')


if __name__ == '__main__':
    with readable_errors():
        main()
