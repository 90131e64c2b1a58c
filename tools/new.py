"""Make a project from a folder of images and masks: lists, a config with its reasons, and a page about the data.

python tools/new.py mine --images photos --masks masks                            # masks of some of the images
python tools/new.py mine --images photos --masks masks --unlabeled more --val 0.1
python tools/new.py mine --images photos --masks scribbles --scribbles

The masks may hold class indices, 0 and 255, or colors, and are named like the images (photo7.png or photo7_mask.png
for photo7.jpg). Nothing of yours is changed: masks that must be converted are written into the new folder.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.datasets import inspect_data  # noqa: E402
from mmseg_ssl.datasets.checks.fix import Value  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, load_config, readable_errors  # noqa: E402
from mmseg_ssl.tooling.new_project import (  # noqa: E402
    Inputs,
    look_and_decide,
    page_text,
    read_names,
    refuse_existing,
    summary,
    this_machine,
    write_project,
)


def share(text: str) -> float:
    """Read a share in (0, 1)."""
    if not re.fullmatch(r'0?\.\d*[1-9]\d*', text):
        raise argparse.ArgumentTypeError(f'expected a number between 0 and 1, such as 0.2, got {text!r}')
    return float(text)


def expression(text: str) -> str:
    """Read a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f'{text!r} is no regular expression ({error})') from error
    return text


def value_or_color(text: str) -> Value:
    """Read ``255`` or ``0,0,0``."""
    if not re.fullmatch(r'\d+(,\d+,\d+)?', text):
        raise argparse.ArgumentTypeError(f'expected a value or a color, such as 255 or 0,0,0, got {text!r}')
    numbers = [int(part) for part in text.split(',')]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('project', type=Path, help='the new folder')
    parser.add_argument('--images', type=Path, required=True, help='folder of images, with or without masks')
    parser.add_argument('--masks', type=Path, required=True, help='folder of masks, which may be that of the images')
    parser.add_argument('--unlabeled', type=Path, help='folder of further images without masks')
    parser.add_argument('--scribbles', action='store_true', help='only some pixels of the masks are labeled')
    parser.add_argument('--val', type=share, default=0.2, help='share of the masks for validation (default: 0.2)')
    parser.add_argument(
        '--groups',
        type=expression,
        metavar='REGEX',
        help="finds the group in an image's id, e.g. '^[^_]+': a video or a patient stays on one side (default: found "
        "out; '' for none)",
    )
    parser.add_argument(
        '--classes', metavar='NAMES', help='sky,road,car, or a file with a name per line (name: 128,0,0 for colors)'
    )
    parser.add_argument(
        '--ignore', type=value_or_color, nargs='+', default=[], metavar='VALUE', help='no class: 0, or 0,0,0'
    )
    parser.add_argument('--mask-suffix', metavar='END', help='end of the names of masks, e.g. _mask.png')
    parser.add_argument('--seed', type=at_least(0), default=0, help='of the split (default: 0)')
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Make the project, and check it as ``tools/check_dataset.py`` does."""
    args, machine = parse_args(argv), this_machine()
    refuse_existing(args.project)
    names = read_names(args.classes) if args.classes else []
    inputs = Inputs(
        args.images, args.masks, args.unlabeled, args.scribbles, args.val, args.groups, tuple(names),
        tuple(args.ignore), args.mask_suffix, args.seed,
    )  # fmt: skip
    project = look_and_decide(inputs, machine)
    write_project(project, args.project, machine, page_text(project, machine, args.project))
    print(summary(project, args.project))
    report = inspect_data(load_config(str(args.project / 'config.py')), 'sample')
    for text in report.listed([one for one in report.warnings if one.kind == 'EXIF orientation']):
        print(f'warning: {text}')
    if report.problems:
        listed = '\n  '.join(report.listed(report.problems))
        raise UserError(f'{args.project} is written, but its check found problems:\n  {listed}')


if __name__ == '__main__':
    with readable_errors():
        main()
