"""A test set of the images that a training reads without their labels."""

from pathlib import Path

from mmengine.config import Config
from mmseg.registry import DATASETS

from ..datasets.apply_split import build_labeled, build_unlabeled
from ..datasets.splits import find_split
from .cli import UserError

LIST = 'unlabeled.txt'
"""In the folder of a test: it is one of unlabeled images, and no result of the test set."""


def score_unlabeled_images(cfg: Config, folder: Path) -> None:
    """Make the unlabeled images of a training its test set: how good is what it is taught by (ELN, Table 4)?

    The list is the training's own, of the draw that ``train_dataloader.dataset.split`` names, without the labeled
    images. Their masks, which no training reads, are looked for where those of labeled images are.

    Args:
        cfg: Config of a method; ``test_dataloader.dataset`` is changed. Its pipeline stays.
        folder: Folder in which the list is written.

    Raises:
        UserError: The config has no unlabeled images, or an image has no mask.
    """
    train = cfg.train_dataloader.dataset
    if not train.get('unlabeled') or not train.get('split') or 'test_dataloader' not in cfg:
        raise UserError('--unlabeled needs a config with unlabeled images, a split of labeled ones, and a test set.')
    split = find_split(train.split)
    labeled = build_labeled(train.labeled, split)
    plain = {key: value for key, value in train.unlabeled.items() if key != 'exclude'}  # '' would keep labeled images
    unlabeled = build_unlabeled(plain, split, labeled)
    names = [unlabeled.image_id(unlabeled.get_data_info(index)['img_path']) for index in range(len(unlabeled))]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / LIST
    path.write_text(''.join(f'{name}\n' for name in names))
    options = {key: value for key, value in train.labeled.items() if key not in ('pipeline', 'ann_file')}
    dataset = dict(options, ann_file=str(path), pipeline=cfg.test_dataloader.dataset.pipeline)
    _require_masks(dataset)
    cfg.test_dataloader.dataset = dataset


def _require_masks(cfg: dict) -> None:
    """Refuse a set of which a mask is missing, before the first image is predicted."""
    dataset = DATASETS.build(dict(cfg, test_mode=True))
    masks = [dataset.get_data_info(index).get('seg_map_path') for index in range(len(dataset))]
    missing = [mask for mask in masks if mask is None or not Path(mask).is_file()]
    if missing:
        raise UserError(
            f'--unlabeled: {len(missing)} of {len(masks)} unlabeled images have no mask, such as {missing[0]}. They '
            'are scored with masks in the folder of the labeled ones (train_dataloader.dataset.labeled.data_prefix).'
        )
