"""Check the data of a config; every error names the file and the fix.

python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py          # headers of images, all pixels of masks
python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py --all    # all pixels of images, too
python tools/check_dataset.py my_config.py --fix data/masks_of_indices       # for masks of colors, or of 0 and 255
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not


from mmseg_ssl.datasets import fix_masks, inspect_data  # noqa: E402
from mmseg_ssl.datasets.checks.fix import Value  # noqa: E402
from mmseg_ssl.tooling.cli import CfgOptions, UserError, add_debug_option, load_config, readable_errors  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config with a train_dataloader')
    parser.add_argument('--all', action='store_true', help='decode every image, not only the labeled ones')
    parser.add_argument(
        '--fix',
        metavar='OUT',
        help='write masks of class indices into the new folder OUT: colors by the palette, 0 and 255 as 0 and 1; the '
        'old masks stay',
    )
    parser.add_argument(
        '--map',
        nargs='+',
        default=[],
        metavar='OLD=NEW',
        help='with --fix: new value of a value or a color, e.g. 100=1 or 224,224,192=255',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=CfgOptions, metavar='KEY=VALUE', help='override entries of the config'
    )
    add_debug_option(parser)
    return parser.parse_args(argv)


def read_mapping(pairs: List[str]) -> Dict[Value, int]:
    """Read pairs ``OLD=NEW``.

    Raises:
        UserError: A pair does not have this form.
    """
    mapping: Dict[Value, int] = {}
    for pair in pairs:
        try:
            old, new = pair.split('=')
            if ',' in old:
                red, green, blue = map(int, old.split(','))
                mapping[red, green, blue] = int(new)
            else:
                mapping[int(old)] = int(new)
        except ValueError:
            raise UserError(f'--map {pair}: expected OLD=NEW, e.g. 100=1 or 224,224,192=255.') from None
    return mapping


def main(argv: Optional[List[str]] = None) -> None:
    """Check the data, and print the report."""
    args = parse_args(argv)
    if args.map and not args.fix:
        raise UserError('--map needs --fix OUT.')
    cfg = load_config(args.config, args.cfg_options)
    if args.fix:
        settings = fix_masks(cfg, args.fix, read_mapping(args.map))
        print(f'New masks are in {args.fix}. Set in the config, or give after --cfg-options:')
        print('\n'.join(f'  {shlex.quote(line)}' for line in settings))
        return
    report = inspect_data(cfg, 'pixels' if args.all else 'headers')
    print(report)
    report.stop_on_problems()
    print(f'{args.config}: {report.num_images} images checked, no problem found.')


if __name__ == '__main__':
    with readable_errors():
        main()
