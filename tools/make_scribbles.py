"""Draw weak annotations from full masks: scribbles of any length ratio, or blocks, as a function of a seed.

In the new masks, 254 is unlabeled and 255 is void; names and subfolders stay the same, so that any dataset class finds
them with its own suffix. Load them with LoadScribbles.

CamVid with strokes of full length (other folders for other ratios), Cityscapes with 10 % blocks, ADE20K with 50 %:

    python tools/make_scribbles.py data/camvid/ann_dir/train data/camvid_scribbles/length-1 --ratio 1 --num-classes 11
    python tools/make_scribbles.py data/cityscapes/gtFine/train data/cityscapes_blocks/share-0.1 \\
        --suffix _gtFine_labelTrainIds.png --kind block --share 0.1 --num-classes 19
    python tools/make_scribbles.py data/ade/ADEChallengeData2016/annotations/training data/ade_blocks/share-0.5 \\
        --kind block --share 0.5 --num-classes 150 --reduce-zero-label
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import mmseg_ssl  # noqa: E402, F401  (patches the host)
from mmseg_ssl.tooling.annotate import KINDS, WeakAnnotator  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, readable_errors  # noqa: E402
from mmseg_ssl.tooling.mask_folders import Summary, annotate_folder  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    usual = WeakAnnotator()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('masks', type=Path, help='folder of full index masks')
    parser.add_argument('out', type=Path, help='folder for the weak masks')
    parser.add_argument('--kind', choices=KINDS, default=usual.kind, help='default: %(default)s')
    parser.add_argument('--ratio', type=float, default=usual.ratio, help="share of the strokes' length; 0 is a click")
    parser.add_argument('--width', type=int, default=usual.width, help='of strokes, in pixels (default %(default)s)')
    parser.add_argument('--min-area', type=int, default=usual.min_area, help='pixels of a region (default %(default)s)')
    parser.add_argument('--share', type=float, default=usual.share, help='of pixels in blocks (default %(default)s)')
    parser.add_argument('--block', type=int, default=usual.block, help='side in pixels (default %(default)s)')
    parser.add_argument('--seed', type=int, default=usual.seed, help='default %(default)s')
    parser.add_argument('--ignore-index', type=int, default=usual.ignore_index, help='void in the full masks (255)')
    parser.add_argument('--num-classes', type=int, help='if given, masks with other indices are refused')
    parser.add_argument('--classes', type=int, nargs='+', help='classes to annotate (default: all)')
    parser.add_argument('--reduce-zero-label', action='store_true', help='0 is void and k is class k - 1, as in ADE20K')
    parser.add_argument('--drop-void', action='store_true', help='write void as unlabeled')
    parser.add_argument('--suffix', default='.png', help='what names of masks end in (default %(default)s)')
    parser.add_argument('--workers', type=int, default=1, help='processes; the result is the same for any number')
    parser.add_argument('--overwrite', action='store_true', help='replace masks in a folder that is not empty')
    add_debug_option(parser)
    return parser.parse_args(argv)


def check(args: argparse.Namespace) -> None:
    """Refuse numbers out of range before the first mask is written.

    Raises:
        UserError: Names the option and its range.
    """
    limits = dict(
        ratio=(0, 1), width=(1, 1000), share=(1e-6, 1), block=(1, 10000), workers=(1, 1000), min_area=(0, 1e9),
        ignore_index=(0, 255),
    )  # fmt: skip
    for name, (low, high) in limits.items():
        value = getattr(args, name)
        if not low <= value <= high:
            raise UserError(f'--{name.replace("_", "-")} must be in [{low:g}, {high:g}], got {value:g}.')


def report(summary: Summary) -> str:
    """Return the shares of labeled pixels, of all and of each class."""
    lines = [f'{summary.images} masks, {summary.labeled.sum() / summary.pixels:.2%} of the pixels labeled']
    lines += ['class   of labeled pixels   of its own pixels']
    for label in summary.full.nonzero()[0]:
        labeled = summary.labeled[label]
        share = labeled / max(summary.labeled.sum(), 1)
        lines.append(f'{label:5d}   {share:18.2%}   {labeled / summary.full[label]:17.2%}')
    return '\n'.join(lines)


def main(argv: Optional[List[str]] = None) -> None:
    """Write the masks, and print the shares of labeled pixels."""
    args = parse_args(argv)
    check(args)
    options = {name: value for name, value in vars(args).items() if name in WeakAnnotator._fields}
    options['classes'] = tuple(args.classes) if args.classes else None
    annotator = WeakAnnotator(**options)
    summary = annotate_folder(annotator, args.masks, args.out, args.suffix, args.workers, args.overwrite)
    print(report(summary))
    if absent := set(args.classes or ()).difference(summary.full.nonzero()[0]):
        print(f'--classes: no mask has {", ".join(map(str, sorted(absent)))}')


if __name__ == '__main__':
    with readable_errors():
        main()
