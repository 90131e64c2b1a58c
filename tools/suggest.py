"""Choose the images to label next, find masks that seem wrong, and take corrected masks into a new labeled set.

python tools/suggest.py work_dirs/my_config --count 20 --out to_label       # doubtful images, unlike each other
python tools/suggest.py work_dirs/my_config --accept to_label/masks --out round2      # after correcting them
python tools/suggest.py work_dirs/my_config --errors --out doubtful_masks   # labels that the network contradicts

The first writes suggested.txt, thumbnails with the doubtful regions, and pre-labels: masks, and COCO annotations for a
labeling tool. The second writes list, masks and config of the next training. Existing files are never changed, and a
folder that exists is never written to; after an interruption, the same command goes on.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from mmseg_ssl import load  # noqa: E402
from mmseg_ssl.apis import find_run  # noqa: E402
from mmseg_ssl.apis.deep_images import deep_warnings  # noqa: E402
from mmseg_ssl.apis.run_folder import RunFiles  # noqa: E402
from mmseg_ssl.tooling.cli import (  # noqa: E402
    UserError,
    add_debug_option,
    at_least,
    check_device,
    readable_errors,
    tool_command,
)
from mmseg_ssl.tooling.prediction_folder import check_folder  # noqa: E402
from mmseg_ssl.tooling.suggestions.acceptance import accept, refuse_masks_of_scored  # noqa: E402
from mmseg_ssl.tooling.suggestions.doubt import KINDS  # noqa: E402
from mmseg_ssl.tooling.suggestions.embedding import FEATURES  # noqa: E402
from mmseg_ssl.tooling.suggestions.new_folder import NewFolder  # noqa: E402
from mmseg_ssl.tooling.suggestions.run_data import LabeledSet, find_candidates, labeled_set, refuse_ambiguous  # noqa: E402
from mmseg_ssl.tooling.suggestions.suggestion import RANDOM, Wish, suggest  # noqa: E402
from mmseg_ssl.tooling.suggestions.suspects import find_suspects, names_of  # noqa: E402
from mmseg_ssl.utils.file_digest import sha256_of  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', help='work dir of a training, its checkpoint, or a config (with --checkpoint)')
    parser.add_argument('--out', type=Path, required=True, help='new folder for the results')
    parser.add_argument('--count', type=at_least(1), default=20, help='images (default: %(default)s)')
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        '--errors',
        nargs='?',
        const='labeled',
        choices=('labeled', 'val', 'test'),
        metavar='SET',
        help='find masks that seem wrong: of the labeled images (the default), of val or of test',
    )
    what.add_argument('--accept', type=Path, metavar='MASKS', help='take corrected masks: a folder, or a COCO file')
    parser.add_argument('--by', choices=(*KINDS, RANDOM), default=KINDS[0], help='doubt (default: %(default)s)')
    parser.add_argument(
        '--pool',
        type=at_least(0),
        default=5,
        help='choose unlike images among so many times the count of the most doubtful ones; 1: the most doubtful ones '
        'themselves; 0: among all images (default: %(default)s)',
    )
    parser.add_argument('--features', choices=FEATURES, default=FEATURES[0], help='compared images (%(default)s)')
    parser.add_argument('--images', metavar='FOLDER', help="images without labels (default: the config's)")
    parser.add_argument('--list', type=Path, metavar='FILE', help='look only at these images, one id per line')
    parser.add_argument('--lists-only', action='store_true', help='write neither thumbnails nor masks')
    parser.add_argument('--seed', type=at_least(0), default=0, help='of --by random (default: %(default)s)')
    parser.add_argument('--checkpoint', help="default: the run's last")
    parser.add_argument('--predict-on', metavar='NAME', help="network, e.g. teacher (default: the config's first)")
    parser.add_argument('--device', help='default: a GPU if there is one')
    add_debug_option(parser)
    return parser.parse_args(argv)


def new_folder(args: argparse.Namespace, images: Path, files: Optional[RunFiles], **settings: Any) -> NewFolder:
    """Begin the folder of the results."""
    check_folder(args.out, [str(images)])
    common: Dict[str, Any] = dict(checkpoint_sha256=sha256_of(files.checkpoint)) if files else {}
    common['images'] = str(images.resolve())  # what was seen is noted by names alone
    return NewFolder(args.out, dict(common, predict_on=args.predict_on, **settings))


def suggest_images(args: argparse.Namespace, files: RunFiles, cfg: Config, labeled: LabeledSet) -> None:
    """Choose images to label."""
    candidates = find_candidates(cfg, labeled, args.images, args.list)
    refuse_ambiguous(labeled, candidates, candidates.paths)  # before somebody labels them
    folder = new_folder(args, candidates.folder, files, features=args.features, disagreement=args.by == 'disagreement')
    network = load(files.config, files.checkpoint, args.predict_on, args.device)
    for warning in deep_warnings(network.reading, list(candidates.paths.values())):
        print(f'warning: {warning}')
    wish = Wish(args.count, args.by, args.pool, args.features, args.seed, args.lists_only)
    chosen, failed = suggest(network, labeled, candidates, wish, folder)
    print('\n'.join(f'{number:4d}  {name}' for number, name in enumerate(chosen, start=1)))
    print(f'{len(chosen)} of {len(candidates.paths)} images, the most useful first: {args.out}')
    if not args.lists_only:
        print(f'Correct the masks there, then take them: {accept_command(args)}')
    for name, reason in list(failed.items())[:10]:
        print(f'{name} could not be read, and was left out: {reason}')


def accept_command(args: argparse.Namespace) -> str:
    """Return the command that takes the masks in the folder of the results, once they are corrected."""
    words = ['suggest', args.run, '--accept', args.out / 'masks']
    for option, value in (('--images', args.images), ('--checkpoint', args.checkpoint)):
        words += [option, value] if value else []
    return f'{tool_command(*words)} --out NEW'


def suggest_errors(args: argparse.Namespace, files: RunFiles, labeled: LabeledSet) -> None:
    """Find masks that seem wrong."""
    names = names_of(labeled, args.list)
    folder = new_folder(args, labeled.images, files, set=args.errors)
    network = load(files.config, files.checkpoint, args.predict_on, args.device)
    errors = find_suspects(network, labeled, names, args.count, folder)
    for number, error in enumerate(errors[: args.count], start=1):
        said = f'{network.classes[error.given]} may be {network.classes[error.predicted]}'
        print(f'{number:4d}  {error.share:6.1%} of {error.image}: {said}, confidence {error.confidence:.2f}')
    suspects = len({error.image for error in errors})
    print(f'{len(errors)} regions in {suspects} of {len(names)} masks, the likeliest errors first: {args.out}')
    if errors and args.errors == 'labeled':
        print(f'Correct the masks there, then take them: {accept_command(args)}')
    elif errors:
        folder = labeled.dataset.data_prefix['seg_map_path']
        print(f'Correct the masks in {args.out / "masks"}, then copy them over those in {folder}: all scores change.')


def accept_masks(args: argparse.Namespace, cfg: Config, labeled: LabeledSet) -> None:
    """Take corrected masks."""
    refuse_masks_of_scored(args.accept)
    candidates = find_candidates(cfg, labeled, args.images, None, may_be_empty=True)
    accepted = accept(
        cfg, labeled, candidates, args.accept, new_folder(args, labeled.images, None, accept=str(args.accept))
    )
    total = len(labeled.indices) + len(accepted.added)
    print(f'{len(accepted.added)} new masks, {len(accepted.replaced)} instead of old ones; {total} labeled images.')
    if accepted.ignored:
        print(f'{accepted.ignored:.2%} of the pixels of the masks that were taken have no class, and teach nothing.')
    if accepted.blank:
        print(f'{len(accepted.blank)} images without a labeled pixel, such as {accepted.blank[0]}, are left out.')
    if accepted.predicted:
        first, count = ', '.join(accepted.predicted[:5]), len(accepted.predicted)
        print(
            f'warning: {count} masks are exactly what the network predicted: {first}{", ..." if count > 5 else ""}. It '
            'would be trained on its own mistakes. Correct these masks, or remove them, and accept into another --out; '
            'only masks that you checked and found right should stay as they are.'
        )
    print(f'Train on them: {tool_command("train", accepted.config)}')


def main(argv: Optional[List[str]] = None) -> None:
    """Do what the options say."""
    args = parse_args(argv)
    if args.device:
        check_device(args.device)
    if args.out.exists():
        raise UserError(f'{args.out} exists, and is never overwritten. Give another --out.')
    files = find_run(args.run, args.checkpoint)
    cfg = Config.fromfile(str(files.config))
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    labeled = labeled_set(cfg, args.errors or 'labeled')
    if args.accept:
        accept_masks(args, cfg, labeled)
    elif args.errors:
        suggest_errors(args, files, labeled)
    else:
        suggest_images(args, files, cfg, labeled)


if __name__ == '__main__':
    with readable_errors():
        main()
