"""Shorten given scribbles to a share of their length, about their middle; a share of 0 leaves a dot, a click.

The masks keep their names, subfolders and indices: what was unlabeled stays so, and what is cut becomes it. One folder
per length, as the configs read them; ScribbleSup's index masks, in which 255 is unlabeled:

    python tools/shorten_scribbles.py data/VOCdevkit/VOC2012/pascal_2012_scribble \\
        data/VOCdevkit/VOC2012/pascal_2012_scribble_length-0.5 --ratio 0.5 --unlabeled-value 255 --num-classes 21

and likewise 0.8, 0.3 and 0. Scribbles that tools/make_scribbles.py draws are shortened there, by its own --ratio.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import mmseg_ssl  # noqa: E402, F401  (patches the host)
from mmseg_ssl.structures import IGNORE_INDEX, UNLABELED  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, readable_errors  # noqa: E402
from mmseg_ssl.tooling.mask_folders import annotate_folder  # noqa: E402
from mmseg_ssl.tooling.scribble_shortener import ScribbleShortener  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('scribbles', type=Path, help='folder of index masks with scribbles')
    parser.add_argument('out', type=Path, help='folder for the masks with shorter ones')
    parser.add_argument('--ratio', type=float, required=True, help='share of the length that stays, in [0, 1]')
    parser.add_argument(
        '--unlabeled-value',
        type=int,
        choices=(UNLABELED, IGNORE_INDEX),
        default=UNLABELED,
        help='index without a scribble; 255 in the masks of ScribbleSup (default: %(default)s)',
    )
    parser.add_argument('--num-classes', type=int, help='if given, masks with other indices are refused')
    parser.add_argument('--suffix', default='.png', help='what names of masks end in (default %(default)s)')
    parser.add_argument('--workers', type=int, default=1, help='processes; the result is the same for any number')
    parser.add_argument('--overwrite', action='store_true', help='replace masks in a folder that is not empty')
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Write the masks, and print how much is left."""
    args = parse_args(argv)
    if not 0 <= args.ratio <= 1:
        raise UserError(f'--ratio is the share of the length that stays, in [0, 1], got {args.ratio:g}.')
    if args.workers < 1:
        raise UserError(f'--workers must be at least 1, got {args.workers}.')
    shortener = ScribbleShortener(args.ratio, args.unlabeled_value, args.num_classes)
    made = annotate_folder(shortener, args.scribbles, args.out, args.suffix, args.workers, args.overwrite)
    labeled, before = made.labeled.sum(), made.full.sum()
    print(
        f'{made.images} masks: {labeled / max(before, 1):.1%} of the scribbled pixels left, '
        f'{labeled / made.pixels:.2%} of all instead of {before / made.pixels:.2%}.'
    )


if __name__ == '__main__':
    with readable_errors():
        main()
