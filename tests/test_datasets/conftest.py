"""A dataset of twelve 24x32 images in a temporary folder."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

import mmseg_ssl  # noqa: F401

IDS = [f'{number:02d}' for number in range(12)]
LABELED = ['01', '04', '06', '11']


@pytest.fixture(autouse=True)
def scope() -> None:
    """Look names up as a run does."""
    init_default_scope('mmseg')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Images of noise with masks of 11 classes, and the list of the labeled ones."""
    rng = np.random.RandomState(0)
    for folder in ('img_dir/train', 'ann_dir/train'):
        (tmp_path / folder).mkdir(parents=True)
    for name in IDS:
        image = rng.randint(0, 256, (24, 32, 3), dtype=np.uint8)
        mask = rng.randint(0, 11, (24, 32), dtype=np.uint8)
        mask[0] = 255
        cv2.imwrite(str(tmp_path / f'img_dir/train/{name}.png'), image)
        cv2.imwrite(str(tmp_path / f'ann_dir/train/{name}.png'), mask)
    (tmp_path / 'labeled.txt').write_text('\n'.join(LABELED) + '\n')
    return tmp_path


@pytest.fixture
def semi_cfg(data: Path):
    """Maker of a SemiDataset's config: ``semi_cfg(unlabeled_per_labeled=2)``."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='RandomResize', scale=(32, 24), ratio_range=(0.75, 2.0), keep_ratio=True),
        dict(type='RandomCrop', crop_size=(16, 16)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSemiInputs'),
    ]
    base = dict(
        type='SemiDataset',
        split=str(data / 'labeled.txt'),
        labeled=dict(
            type='CamVidDataset',
            data_root=str(data),
            data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
            img_suffix='.png',
            serialize_data=False,  # serializing collects garbage: slow in a test process
            pipeline=pipeline,
        ),
        unlabeled=dict(
            type='UnlabeledImages',
            data_root=str(data),
            data_prefix=dict(img_path='img_dir/train'),
            img_suffix='.png',
            serialize_data=False,
            pipeline=[step for step in pipeline if step['type'] != 'LoadAnnotations'],
        ),
    )
    return lambda **changes: dict(copy.deepcopy(base), **changes)


@pytest.fixture
def loader_cfg(semi_cfg):
    """Maker of a train_dataloader's config around :func:`semi_cfg`."""

    def make(batch_size: int = 4, num_workers: int = 0, **changes) -> dict:
        return dict(
            batch_size=batch_size,
            num_workers=num_workers,
            sampler=dict(type='SemiSampler'),
            collate_fn=dict(type='semi_collate'),
            dataset=semi_cfg(**changes),
        )

    return make


@pytest.fixture
def own(tmp_path: Path):
    """Maker of a user's own dataset: ``own(masks, classes=2)`` draws six images, the config reads them.

    Masks are arrays ``(24, 32)``, or what ``write(path, mask)`` takes, and are repeated; two are for validation.
    """
    rng = np.random.RandomState(0)

    def make(masks, classes=2, suffix='.png', write=None, image_suffix='.png', draw=None, load=None, **labeled) -> dict:
        for number in range(6):
            part = 'val' if number > 3 else 'train'
            for folder in ('img', 'ann', 'more'):
                (tmp_path / part / folder).mkdir(parents=True, exist_ok=True)
            image = rng.randint(0, 256, (24, 32, 3), dtype=np.uint8)
            for folder in ('img', 'more'):
                cv2.imwrite(str(tmp_path / part / folder / f'{number}{image_suffix}'), draw(image) if draw else image)
            mask, path = masks[number % len(masks)], tmp_path / part / 'ann' / f'{number}{suffix}'
            write(path, mask) if write else cv2.imwrite(str(path), mask)
        names = tuple(f'class{number}' for number in range(classes)) if isinstance(classes, int) else classes
        load = load or dict(type='LoadImageFromFile')
        steps = [load, dict(type='LoadAnnotations')]
        common = dict(data_root=str(tmp_path), img_suffix=image_suffix, serialize_data=False)
        masked = dict(common, type='BaseSegDataset', metainfo=dict(classes=names), seg_map_suffix=suffix)
        masked.update(labeled)
        unlabeled = dict(
            common,
            type='UnlabeledImages',
            data_prefix=dict(img_path='train/more'),
            pipeline=[load, dict(type='PackSemiInputs')],
        )
        train, val = (dict(img_path=f'{part}/img', seg_map_path=f'{part}/ann') for part in ('train', 'val'))
        return ConfigDict(
            train_dataloader=dict(
                batch_size=2,
                sampler=dict(type='SemiSampler'),
                dataset=dict(
                    type='SemiDataset',
                    labeled=dict(masked, data_prefix=train, pipeline=[*steps, dict(type='PackSemiInputs')]),
                    unlabeled=unlabeled,
                ),
            ),
            val_dataloader=dict(
                batch_size=1,
                dataset=dict(masked, data_prefix=val, pipeline=[*steps, dict(type='PackSegInputs')]),
            ),
            val_evaluator=dict(type='IoUMetric'),
        )

    return make
