"""Serve a web page on which an image is dropped and its mask and uncertainty are shown.

python tools/serve.py work_dirs/my_config                          # http://127.0.0.1:8000/, for this machine alone
python tools/serve.py work_dirs/my_config --port 0 --device cpu    # on a free port

Images are predicted here, one after another, and are not kept. There is no password: with --host, everybody who
reaches the port may predict.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from mmseg_ssl import load  # noqa: E402
from mmseg_ssl.apis import find_run  # noqa: E402
from mmseg_ssl.tooling.cli import add_debug_option, at_least, check_device, readable_errors  # noqa: E402
from mmseg_ssl.tooling.served import ServerLimits, open_server  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', help='work dir of a training, an exported folder, or a config (with --checkpoint)')
    parser.add_argument('--checkpoint', help="default: the run's last")
    parser.add_argument('--predict-on', metavar='NAME', help="network, e.g. teacher (default: the config's first)")
    parser.add_argument('--device', help='default: a GPU if there is one')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on (%(default)s: this machine alone)')
    parser.add_argument('--port', type=at_least(0), default=8000, help='0 takes a free one (%(default)s)')
    limits = ServerLimits()
    parser.add_argument('--megabytes', type=at_least(1), default=limits.megabytes, help='of a file (%(default)s)')
    parser.add_argument('--megapixels', type=at_least(1), default=limits.megapixels, help='of an image (%(default)s)')
    add_debug_option(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    """Load the network, and serve until Ctrl-C."""
    args = parse_args(argv)
    if args.device:
        check_device(args.device)
    files = find_run(args.run, args.checkpoint)
    network = load(files.config, files.checkpoint, args.predict_on, args.device)
    title = files.config.resolve().parent.name if Path(args.run).is_dir() else files.config.stem
    with open_server(network, title, args.host, args.port, ServerLimits(args.megabytes, args.megapixels)) as server:
        if not server.is_local:
            print('Everybody who reaches this address may predict: there is no password.', file=sys.stderr)
        print(f'{files.checkpoint} is served at {server.url}   (Ctrl-C ends it)', flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == '__main__':
    with readable_errors():
        main()
