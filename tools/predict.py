"""Predict images with a trained network: masks, overlays, uncertainty and the shares of the classes.

python tools/predict.py work_dirs/my_config photos --out predictions            # a folder, with its subfolders
python tools/predict.py work_dirs/my_config 'photos/**/*.png' clip.mp4 --out predictions --every 25

writes, for photos/a/b.jpg, masks/a/b.png (class indices), overlays/a/b.jpg and uncertainty/a/b.png (255: all classes
are equally likely), a line in images.jsonl, and summary.json of all. After an interruption the same command goes on.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from rich.progress import track  # noqa: E402

from mmseg_ssl import load  # noqa: E402
from mmseg_ssl.apis import TrainedNetwork, find_run  # noqa: E402
from mmseg_ssl.apis.deep_images import deep_warnings  # noqa: E402
from mmseg_ssl.apis.network import OVERLAP, TILE  # noqa: E402
from mmseg_ssl.datasets.checks.pipeline_rules import unread_warnings  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, check_device, readable_errors  # noqa: E402
from mmseg_ssl.tooling.prediction_folder import KINDS, PredictionFolder, check_folder  # noqa: E402
from mmseg_ssl.tooling.prediction_inputs import Item, find_items, read_items, reason_of  # noqa: E402
from mmseg_ssl.utils.file_digest import sha256_of  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', help='work dir of a training, an exported folder, or a config (with --checkpoint)')
    parser.add_argument('images', nargs='+', help='folders, patterns, images or videos')
    parser.add_argument('--out', type=Path, required=True, help='folder for the predictions')
    parser.add_argument('--checkpoint', help="default: the run's last")
    parser.add_argument(
        '--predict-on', metavar='NAME', help="network, e.g. teacher, or mean of several (default: the config's first)"
    )
    parser.add_argument('--save', nargs='+', choices=KINDS, default=KINDS[:3], help=f'default: {" ".join(KINDS[:3])}')
    parser.add_argument('--every', type=at_least(1), default=1, help='of a video, every so many frames (default: all)')
    parser.add_argument(
        '--tile', type=at_least(0), default=TILE, help='cut larger images; 0: never (default: %(default)s)'
    )
    parser.add_argument('--overlap', type=at_least(0), default=OVERLAP, help='of tiles, in pixels (%(default)s)')
    parser.add_argument('--device', help='default: a GPU if there is one')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if args.tile and args.overlap >= args.tile:
        parser.error(f'--overlap {args.overlap} must be less than --tile {args.tile}')
    return args


def predict(
    items: List[Item], network: TrainedNetwork, folder: PredictionFolder, args: argparse.Namespace
) -> Dict[str, str]:
    """Predict and write images.

    Returns:
        Those that could not be read or predicted, each with the reason.
    """
    failed: Dict[str, str] = {}
    for item, pixels in track(read_items(items, network), 'Predicting', total=len(items)):
        if isinstance(pixels, str):
            failed[item.name] = pixels
            continue
        try:
            found = network(pixels, args.tile, args.overlap)
        except (AssertionError, RuntimeError, ValueError) as error:  # of the network: the others may fit it
            failed[item.name] = reason_of(error)
        else:
            folder.write(item, pixels, found)
    return failed


def main(argv: Optional[List[str]] = None) -> None:
    """Predict what is not predicted yet, and write the summary.

    Raises:
        UserError: Some images could not be predicted; the others are.
    """
    args = parse_args(argv)
    if args.device:
        check_device(args.device)
    check_folder(args.out, args.images)
    items, files = find_items(args.images, args.every), find_run(args.run, args.checkpoint)
    items = [item for item in items if args.out.absolute() not in item.path.absolute().parents]  # what a pattern finds
    network = load(files.config, files.checkpoint, args.predict_on, args.device)
    settings: Dict[str, Any] = dict(checkpoint_sha256=sha256_of(files.checkpoint), predict_on=args.predict_on)
    settings.update(tile=args.tile, overlap=args.overlap, classes=list(network.classes))
    folder = PredictionFolder(args.out, settings, args.save)
    done = folder.done(items)
    left = [item for item in items if item.name not in done]
    print(f'{len(left)} of {len(items)} images to predict with {files.checkpoint}')
    unread = [one.text for one in unread_warnings(network.cfg, ['test_pipeline'])]
    for warning in [*unread, *deep_warnings(network.reading, [item.path for item in left])]:
        print(f'warning: {warning}')
    failed = predict(left, network, folder, args)
    shares = folder.summarize(failed)['shares']
    print('\n'.join(f'{share:8.2%}  {name}' for name, share in shares.items() if share))
    print(f'Predictions are in {args.out}')
    if failed:
        listed = '\n'.join(f'  {name}: {reason}' for name, reason in list(failed.items())[:10])
        raise UserError(f'{len(failed)} images could not be predicted; the others are:\n{listed}')


if __name__ == '__main__':
    with readable_errors():
        main()
