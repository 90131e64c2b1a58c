"""Label a folder of images with a trained network, for offline self-training.

python tools/pseudo_label.py CONFIG CHECKPOINT IMAGES OUT
python tools/pseudo_label.py configs/supervised/supervised_mbv2_camvid_8.py \\
    work_dirs/supervised_mbv2_camvid_8/iter_800.pth data/camvid/img_dir/train work_dirs/pseudo_labels/camvid_8

writes, for IMAGES/a/b.jpg, OUT/masks/a/b.png (classes; 255 below the threshold) and OUT/confidence/a/b.png (255 is 1),
and OUT/summary.json. Any config works, of this package or of plain mmseg. After an interruption, the same command
continues. With --earlier, earlier checkpoints of the same training, OUT/reliability.txt ranks the images by how much
these agree with the last one (ST++), and OUT/reliable.txt lists the first half.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmseg.registry import DATASETS  # noqa: E402
from torch.utils.data import DataLoader, Subset  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.apis.network import pipeline_of_images  # noqa: E402
from mmseg_ssl.datasets import UnlabeledImages  # noqa: E402
from mmseg_ssl.datasets.pseudo_label_files import check_label_folders, is_labeled, label_path, summarize  # noqa: E402
from mmseg_ssl.tooling.cli import (  # noqa: E402
    CfgOptions,
    UserError,
    add_debug_option,
    at_least,
    check_device,
    load_config,
    read_json,
    readable_errors,
)
from mmseg_ssl.tooling.pseudo_labeler import PseudoLabeler, write_label  # noqa: E402
from mmseg_ssl.utils.atomic_files import replace_file  # noqa: E402

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
    steps = [step for step in pipeline_of_images(cfg) if step['type'] != 'LoadAnnotations']
    prefix = dict(img_path=args.images)
    images = UnlabeledImages(args.list, img_suffix=args.suffix, data_prefix=prefix, pipeline=steps, test_mode=True)
    ids: Dict[str, int] = {}
    for place in range(len(images)):
        ids[images.image_id(images.get_data_info(place)['img_path'])] = place
    check_label_folders(args.images, args.out, list(ids))
    return images, ids


def label_settings(args: argparse.Namespace, cfg: Config) -> Dict[str, Any]:
    """Collect the settings that the labels depend on, and compare them with those of existing labels in OUT.

    Returns:
        Content of ``OUT/settings.json``.

    Raises:
        UserError: A checkpoint is missing, or OUT holds labels that were made with other settings.
    """
    for path in (args.checkpoint, *args.earlier):
        if not Path(path).is_file():
            raise UserError(f'there is no checkpoint {path}.')
    settings = dict(
        config=args.config,
        model_sha256=hashlib.sha256(repr(cfg.model.to_dict()).encode()).hexdigest(),
        checkpoint=args.checkpoint,
        checkpoint_sha256=_digest(args.checkpoint),
        earlier_sha256=[_digest(path) for path in args.earlier],
        predict_on=args.predict_on,
        threshold=args.threshold,
        flip=args.flip,
    )
    path = args.out / 'settings.json'
    if path.is_file():
        before = read_json(path)
        # paths do not count: a moved file is still the same file
        changed = [key for key in settings if key not in ('config', 'checkpoint') and before.get(key) != settings[key]]
        if changed:
            raise UserError(f'{args.out} holds labels made with another {", ".join(changed)}. Give another folder.')
    elif (args.out / 'masks').is_dir():
        raise UserError(f'{args.out} holds masks of unknown origin (no settings.json). Give another folder.')
    return settings


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for chunk in iter(lambda: file.read(2**20), b''):
            digest.update(chunk)
    return digest.hexdigest()


def rank(out: Path, ids: List[str]) -> None:
    """Write ``reliability.txt`` (id and score, best first) and ``reliable.txt`` (ids of the first half)."""
    scores = {name: float(label_path(out, 'reliability', name).with_suffix('.txt').read_text()) for name in ids}
    order = sorted(ids, key=lambda name: (-scores[name], name))
    replace_file(out / 'reliability.txt', ''.join(f'{name}\t{scores[name]:.6f}\n' for name in order).encode())
    replace_file(out / 'reliable.txt', ''.join(f'{name}\n' for name in order[: -(-len(order) // 2)]).encode())


def class_names(cfg: Config, count: int) -> List[str]:
    """Return the names of the classes from the config's dataset, or their numbers if they do not fit."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    known = getattr(DATASETS.get(dataset.type), 'METAINFO', {}) if 'type' in dataset else {}
    names = dict(known, **dataset.get('metainfo', {})).get('classes', ())
    return list(names) if len(names) == count else [str(number) for number in range(count)]


def main(argv: Optional[List[str]] = None) -> None:
    """Label all images without labels, and write the statistics."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_device(args.device)
    images, ids = find_images(cfg, args)
    settings = label_settings(args, cfg)
    names = sorted(name for name in ids if not is_labeled(args.out, name))
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
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    # only after the network has loaded: settings of a failed start must not block the next run
    replace_file(args.out / 'settings.json', json.dumps(settings, indent=1).encode())
    print(f'{len(names)} of {len(ids)} images to label on {args.device}')
    data: Subset = Subset(images, [ids[name] for name in names])
    loader = DataLoader(data, args.batch_size, num_workers=args.workers, collate_fn=list)
    done = 0
    for items in loader:
        for found in labeler.label(items):
            write_label(args.out, names[done], found)
            done += 1
        print(f'\r{done} of {len(names)}', end='', flush=True)
    if args.earlier:
        rank(args.out, sorted(ids))
    summary = dict(settings, **summarize(args.out, sorted(ids), class_names(cfg, labeler.num_classes)))
    replace_file(args.out / 'summary.json', json.dumps(summary, indent=1).encode())
    print(
        f'\n{summary["kept"]:.1%} of the pixels labeled, mean confidence {summary["mean_confidence"]:.3f}: {args.out}'
    )


if __name__ == '__main__':
    with readable_errors():
        main()
