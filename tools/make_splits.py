"""Draw labeled subsets of a list of images, without replacement, as a function of a seed.

Every draw shuffles the whole sorted list once, and each subset is a prefix of it. So within a draw the smaller subsets
are contained in the larger ones, and two sizes do not differ by chance.

The CamVid lists of this repository:

    python tools/make_splits.py configs/splits/camvid/train.txt --out configs/splits/camvid \\
        --subset 8=8 --subset 1-16=23 --subset 1-8=46 --subset 1-4=92 --draws 3 --seed 0
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import numpy as np  # noqa: E402

from mmseg_ssl.datasets import read_ids  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, readable_errors  # noqa: E402


def draw_subsets(ids: List[str], sizes: Dict[str, int], draws: int, seed: int) -> Dict[str, List[str]]:
    """Draw nested subsets.

    Args:
        ids: All image ids; their order does not matter.
        sizes: Number of images by name of the subset.
        draws: Number of independent draws.
        seed: Seed; draw d uses ``RandomState(seed + d)``, whose stream NumPy guarantees to keep.

    Returns:
        Sorted ids by ``<name>_draw<d>``.

    Raises:
        UserError: A subset is empty or larger than the list.
    """
    bad = {name: size for name, size in sizes.items() if not 0 < size <= len(ids)}
    if bad:
        raise UserError(f'Subset sizes must be in [1, {len(ids)}], got {bad}.')
    subsets = {}
    for draw in range(draws):
        order = np.random.RandomState(seed + draw).permutation(len(ids))
        shuffled = [sorted(ids)[index] for index in order]
        for name, size in sizes.items():
            subsets[f'{name}_draw{draw}'] = sorted(shuffled[:size])
    return subsets


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('list', type=Path, help='text file with one image id per line')
    parser.add_argument('--out', type=Path, required=True, help='folder for the lists')
    parser.add_argument('--subset', action='append', required=True, metavar='NAME=SIZE', help='may be repeated')
    parser.add_argument('--draws', type=at_least(1), default=3, help='draws per subset (default 3)')
    parser.add_argument('--seed', type=at_least(0), default=0, help='seed of the first draw (default 0)')
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
    args.out.mkdir(parents=True, exist_ok=True)
    for name, subset in draw_subsets(ids, sizes, args.draws, args.seed).items():
        path = args.out / f'{name}.txt'
        path.write_text('\n'.join(subset) + '\n', encoding='utf-8')
        print(f'{path}: {len(subset)} of {len(ids)}')


if __name__ == '__main__':
    with readable_errors():
        main()
