"""Count what the processes of a training send each other in a step, by method; one process is enough.

python tools/communication.py                                     # every method of configs/, R-50
python tools/communication.py --network mbv2 --methods dueb fixmatch

Gradients are those of DistributedDataParallel; SyncBN's statistics are counted at every BatchNorm layer that normalizes
by the batch, as if it were synchronized; labels and losses are the messages of loss() itself. A ring sends twice that.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from mmengine.logging import MMLogger  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.benchmark import Setup, build_measured_method, find_method_configs  # noqa: E402
from mmseg_ssl.tooling.cli import add_debug_option, at_least, readable_errors  # noqa: E402
from mmseg_ssl.tooling.communication import one_of_several, traffic_of, traffic_table  # noqa: E402
from mmseg_ssl.tooling.readme_blocks import write_blocks  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--methods', nargs='+', metavar='NAME', help='folders below configs/ (default: all)')
    parser.add_argument('--network', default='r50', help='mbv2, r50, r101, dinov2s, tiny or a config (default: r50)')
    parser.add_argument('--crop', type=at_least(32), default=64, help='side of the crops (default: 64)')
    parser.add_argument('--classes', type=at_least(2), default=21, help='number of classes (default: 21)')
    parser.add_argument('--readme', type=Path, help='write the table between <!-- communication:begin/end -->')
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Count, and print the table."""
    args = parse_args(argv)
    init_default_scope('mmseg')
    MMLogger.get_instance('communication', log_level=logging.ERROR)  # the table alone goes to the output
    setup = Setup(args.network, args.crop, 2, 2, args.classes, 'cpu', False)
    found = {}
    for name, config in find_method_configs(args.methods).items():
        method = build_measured_method(name, config, setup)
        with one_of_several():
            found[name] = traffic_of(method)
        print(f'{name}: counted', file=sys.stderr)
    table = traffic_table(found, args.network, args.classes)
    print(table)
    if args.readme:
        write_blocks(args.readme, dict(communication=lambda: table))


if __name__ == '__main__':
    with readable_errors():
        main()
