"""Check the data of a config: every error names the file and the fix.

python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py          # the labelled set
python tools/check_dataset.py configs/dueb/dueb_mbv2_camvid_1-16.py --all    # everything
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from mmengine.config import DictAction  # noqa: E402

from mmseg_ssl.datasets import check_semi_dataset  # noqa: E402
from mmseg_ssl.utils.cli import load_config, readable_errors  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config with a train_dataloader')
    parser.add_argument('--all', action='store_true', help='also unlabelled images, val and test data')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='override entries of the config'
    )
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Check, and say what was found."""
    args = parse_args(argv)
    count = check_semi_dataset(load_config(args.config, args.cfg_options), full=args.all)
    print(f'{args.config}: {count} images checked, no problem found.')


if __name__ == '__main__':
    with readable_errors():
        main()
