"""Check the data of a config: every error names the file and the fix.

python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py          # the labelled set
python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py --all    # everything
"""

import argparse
import sys

from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

import mmseg_ssl  # noqa: F401  (registers the datasets)
from mmseg_ssl.datasets import DatasetError, check_semi_dataset


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config with a train_dataloader')
    parser.add_argument('--all', action='store_true', help='also unlabelled images, val and test data')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='override entries, key=value')
    return parser.parse_args()


def main() -> int:
    """Check, and say what was found.

    Returns:
        0 if all is well, 1 if not.
    """
    args = parse_args()
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    try:
        count = check_semi_dataset(cfg, full=args.all)
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    print(f'{args.config}: {count} images checked, no problem found.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
