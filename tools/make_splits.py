"""Draw labeled subsets of a list of images, without replacement, as a function of a seed.

Every draw shuffles the whole sorted list once, and each subset is a prefix of it. So within a draw the smaller subsets
are contained in the larger ones, and two sizes do not differ by chance. ``--stratify`` looks into the masks: every
class is in every subset that is large enough, rare ones first, and about as often as in the whole list. ``--groups``
keeps the images of a video or a patient together; subsets are then at most as large as asked for.

The CamVid lists of this repository, and lists of the drawn data with every class or with whole groups of ten:

    python tools/make_splits.py configs/splits/camvid/train.txt --out configs/splits/camvid \\
        --subset 8=8 --subset 1-16=23 --subset 1-8=46 --subset 1-4=92 --draws 3 --seed 0
    python tools/make_splits.py configs/splits/shapes/train.txt --out data/my_lists --subset 8=8 --subset 16=16 \\
        --stratify data/shapes/ann_dir/train
    python tools/make_splits.py configs/splits/shapes/train.txt --out data/my_lists --subset 32=32 --groups '^\\d\\d\\d'
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import numpy as np  # noqa: E402

from mmseg_ssl.datasets import read_ids  # noqa: E402
from mmseg_ssl.tooling.class_cover import Unit  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, readable_errors  # noqa: E402
from mmseg_ssl.tooling.mask_folders import classes_of_masks  # noqa: E402
from mmseg_ssl.tooling.subsets import make_units, random_rings, stratified_rings  # noqa: E402


def draw_subsets(
    units: Sequence[Unit], sizes: Dict[str, int], draws: int, seed: int, stratify: bool
) -> Dict[str, List[str]]:
    """Draw nested subsets.

    Args:
        units: All images; their order does not matter.
        sizes: Number of images by name of the subset.
        draws: Number of independent draws.
        seed: Seed; draw d uses ``RandomState(seed + d)``, whose stream NumPy guarantees to keep.
        stratify: Choose by the classes of the units.

    Returns:
        Sorted ids by ``<name>_draw<d>``.

    Raises:
        UserError: A subset is empty or larger than the list.
    """
    total = sum(len(unit.ids) for unit in units)
    bad = {name: size for name, size in sizes.items() if not 0 < size <= total}
    if bad:
        raise UserError(f'Subset sizes must be in [1, {total}], got {bad}.')
    smallest = min(len(unit.ids) for unit in units)
    if min(sizes.values()) < smallest:
        raise UserError(f'--subset: the smallest group has {smallest} images. Ask for as many, or for finer --groups.')
    steps = sorted(set(sizes.values()))
    subsets = {}
    for draw in range(draws):
        random = np.random.RandomState(seed + draw)
        if stratify:
            rings = stratified_rings(units, steps, random)
        else:
            rings = random_rings(units, steps, random.permutation(len(units)))
        for name, size in sizes.items():
            chosen = [unit for step, ring in zip(steps, rings) for unit in ring if step <= size]
            subsets[f'{name}_draw{draw}'] = sorted(image_id for unit in chosen for image_id in unit.ids)
    return subsets


def lacking(subset: Sequence[str], classes: Dict[str, Set[int]]) -> List[str]:
    """Say of each class that images have but those of a subset do not, how many have it."""
    counts: Dict[int, int] = {}
    for one in classes.values():
        counts.update({label: counts.get(label, 0) + 1 for label in one})
    absent = set(counts).difference(*(classes[image_id] for image_id in subset))
    return [f'  class {label} did not fit: {counts[label]} images of the list have it' for label in sorted(absent)]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('list', type=Path, help='text file with one image id per line')
    parser.add_argument('--out', type=Path, required=True, help='folder for the lists')
    parser.add_argument('--subset', action='append', required=True, metavar='NAME=SIZE', help='may be repeated')
    parser.add_argument('--draws', type=at_least(1), default=3, help='draws per subset (default 3)')
    parser.add_argument('--seed', type=at_least(0), default=0, help='seed of the first draw (default 0)')
    parser.add_argument('--stratify', type=Path, metavar='MASKS', help='folder of index masks: choose by their classes')
    parser.add_argument('--suffix', default='.png', help='suffix of a mask behind the image id (default .png)')
    parser.add_argument(
        '--groups', metavar='REGEX', help="finds the group's name in an image id, e.g. '^[^_]+': groups stay together"
    )
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Write the lists."""
    args = parse_args(argv)
    unclear = [text for text in args.subset if not re.fullmatch(r'[^=/]+=\d+', text)]
    if unclear:
        raise UserError(f'--subset {unclear[0]}: give a name and a number of images, as in --subset 1-8=46.')
    sizes = {name: int(size) for name, size in (text.split('=') for text in args.subset)}
    if not args.list.is_file():
        raise UserError(f'there is no list {args.list}.')
    ids = read_ids(str(args.list))
    classes = classes_of_masks(args.stratify, args.suffix, ids) if args.stratify else {}
    units = make_units(ids, args.groups, classes)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, subset in draw_subsets(units, sizes, args.draws, args.seed, bool(args.stratify)).items():
        path = args.out / f'{name}.txt'
        path.write_text('\n'.join(subset) + '\n', encoding='utf-8')
        print('\n'.join([f'{path}: {len(subset)} of {len(ids)}', *(lacking(subset, classes) if classes else [])]))


if __name__ == '__main__':
    with readable_errors():
        main()
