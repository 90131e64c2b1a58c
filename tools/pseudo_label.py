"""Label a folder of images with a trained network, for offline self-training.

python tools/pseudo_label.py CONFIG CHECKPOINT IMAGES OUT
python tools/pseudo_label.py configs/supervised/supervised_mbv2_camvid_8.py \\
    work_dirs/supervised_mbv2_camvid_8/iter_800.pth data/camvid/img_dir/train work_dirs/pseudo_labels/camvid_8

writes, for IMAGES/a/b.jpg, OUT/masks/a/b.png (classes; 255 below the threshold) and OUT/confidence/a/b.png (255 is 1),
and OUT/summary.json. Any config works, of this package or of plain mmseg. After an interruption, the same command
continues; images that came since are labeled, too, other images of the same names are refused. --shard 2/8 labels the
second of eight parts, on as many machines as share OUT; the last one to end sums up.
--trust leaves out pixels by entropy, energy, a variance head or a localizer (ELN). With --earlier, earlier checkpoints
of the same training, OUT/reliability.txt ranks the images by how much these agree with the last one (ST++), and
OUT/reliable.txt lists the first half.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from torch.utils.data import DataLoader, Subset  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.datasets import UnlabeledImages  # noqa: E402
from mmseg_ssl.datasets.pseudo_label_files import check_label_folders  # noqa: E402
from mmseg_ssl.ops.trust import TRUST_RULES  # noqa: E402
from mmseg_ssl.tooling.cli import (  # noqa: E402
    CfgOptions,
    UserError,
    add_debug_option,
    at_least,
    check_device,
    load_config,
    readable_errors,
)
from mmseg_ssl.tooling.label_run import (  # noqa: E402
    class_names,
    finish,
    image_steps,
    label_marks,
    label_settings,
    note,
    part_of,
    shard,
)
from mmseg_ssl.tooling.predicted_image import TrustRule  # noqa: E402
from mmseg_ssl.tooling.pseudo_labeler import PseudoLabeler, write_label  # noqa: E402

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.JPG', '.JPEG', '.PNG')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config that the network was trained with')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('images', help='folder of images, subfolders included')
    parser.add_argument('out', type=Path, help='folder for the labels')
    parser.add_argument('--list', default='', metavar='FILE', help='only these ids, one per line (path without suffix)')
    parser.add_argument('--suffix', nargs='+', default=SUFFIXES, help='of the images; exactly one with --list')
    parser.add_argument('--predict-on', metavar='NAME', help="network, e.g. teacher (default: the config's first)")
    parser.add_argument('--threshold', type=float, default=0.0, help='pixels less confident get 255 (default: 0)')
    parser.add_argument('--trust', choices=TRUST_RULES, help='what else pixels must be trusted by, or they get 255')
    parser.add_argument('--trust-threshold', type=float, help='entropy, variance, energy at most; the others at least')
    parser.add_argument('--trust-share', type=float, help='or: the share of pixels of each image that are trusted')
    parser.add_argument('--shard', type=shard, default=(1, 1), metavar='K/N', help='part K of N of the images')
    parser.add_argument('--flip', action='store_true', help='average with the mirror image')
    parser.add_argument('--earlier', nargs='+', default=[], metavar='CHECKPOINT', help='rank the images by reliability')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--batch-size', type=at_least(1), default=4, help='images per call, of one size (default: 4)')
    parser.add_argument('--workers', type=at_least(0), default=2, help='processes that read images (default: 2)')
    parser.add_argument('--allow-missing', action='store_true', help='only warn if a checkpoint lacks weights')
    parser.add_argument(
        '--cfg-options', nargs='+', action=CfgOptions, metavar='KEY=VALUE', help='override settings of the config'
    )
    add_debug_option(parser)
    return parser.parse_args(argv)


def find_images(cfg: Config, args: argparse.Namespace) -> Tuple[UnlabeledImages, Dict[str, int]]:
    """Build the dataset of the images, and return it with the index of each id.

    Raises:
        UserError: The config has no test pipeline.
        DatasetError: Two images have the same id, or a label would overwrite another file.
    """
    steps, prefix = image_steps(cfg), dict(img_path=args.images)
    images = UnlabeledImages(args.list, img_suffix=args.suffix, data_prefix=prefix, pipeline=steps, test_mode=True)
    ids: Dict[str, int] = {}
    for place in range(len(images)):
        ids[images.image_id(images.get_data_info(place)['img_path'])] = place
    check_label_folders(args.images, args.out, list(ids))
    return images, ids


def main(argv: Optional[List[str]] = None) -> None:
    """Label all images without labels, and write the statistics."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_device(args.device)
    images, ids = find_images(cfg, args)
    settings = label_settings(args, cfg)
    paths = {name: images.get_data_info(place)['img_path'] for name, place in ids.items()}
    marks = label_marks(args.out, paths)
    names = part_of(sorted(ids), args.shard, args.out)
    rule = TrustRule(args.trust, args.trust_threshold, args.trust_share) if args.trust else None
    try:
        labeler = PseudoLabeler(
            cfg,
            args.checkpoint,
            args.earlier,
            args.predict_on,
            args.threshold,
            args.flip,
            args.device,
            args.allow_missing,
            rule,
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    # only after the network has loaded: settings of a failed start must not block the next run
    note(args.out, settings, marks)
    print(f'{len(names)} of {len(ids)} images to label on {args.device}')
    data: Subset = Subset(images, [ids[name] for name in names])
    loader = DataLoader(data, args.batch_size, num_workers=args.workers, collate_fn=list)
    done = 0
    for items in loader:
        for found in labeler.label(items):
            write_label(args.out, names[done], found)
            done += 1
        print(f'\r{done} of {len(names)}', end='', flush=True)
    print()
    finish(args.out, sorted(ids), settings, class_names(cfg, labeler.num_classes), bool(args.earlier))


if __name__ == '__main__':
    with readable_errors():
        main()
