"""A run on six images, of which two have masks."""

import cv2
from tiny_run import META, PIPELINE

NAMES = ('0', '1', 'a/0', 'a/2', 'a/b/3', 'a/b/4')
LABELED = ('1', 'a/2')


def write_png(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def write_data_config(place, run, **changes):
    """Give a run the data of a training on ``photos`` with two masks."""
    common = dict(img_suffix='.png', serialize_data=False)  # mmengine collects garbage whenever it serializes
    labeled = dict(common, **dict(dict(type='BaseSegDataset', metainfo=META, pipeline=PIPELINE), **changes))
    labeled['data_prefix'] = dict(img_path='photos', seg_map_path='masks')
    unlabeled = dict(common, type='UnlabeledImages', data_prefix=dict(img_path='photos'), pipeline=[])
    data = dict(type='SemiDataset', split='list.txt', labeled=labeled, unlabeled=unlabeled)
    with open(place / run / 'tiny_mine.py', 'a') as config:
        config.write(f'\ntrain_dataloader = {dict(batch_size=1, dataset=data)}\n')


def snapshot(place):
    return {path: path.read_bytes() for top in ('photos', 'masks') for path in sorted((place / top).rglob('*.png'))}


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
