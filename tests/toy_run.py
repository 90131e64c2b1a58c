"""A whole training run in about a second: tiny images on disk and a tiny network, for :mod:`toy_process`."""

from pathlib import Path

import cv2
import numpy as np

SIZE = 24


def draw_images(folder: Path, labeled: int = 6, unlabeled: int = 9, val: int = 2) -> Path:
    """Draw noisy three-class scenes: ``img/`` (all), ``ann/`` (labeled and val), ``labeled.txt``, ``val.txt``."""
    rng = np.random.RandomState(0)
    for name in ('img', 'ann'):
        (folder / name).mkdir(parents=True)
    total = labeled + unlabeled + val
    for index in range(total):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[: rng.randint(4, 12)] = 2
        mask[10:, rng.randint(0, 8) : rng.randint(10, 20)] = 1
        image = mask[..., None] * 70 + rng.randint(0, 60, (SIZE, SIZE, 3))
        cv2.imwrite(str(folder / 'img' / f'{index:02d}.png'), image.astype(np.uint8))
        if index < labeled or index >= total - val:
            cv2.imwrite(str(folder / 'ann' / f'{index:02d}.png'), mask)
    (folder / 'labeled.txt').write_text(''.join(f'{index:02d}\n' for index in range(labeled)))
    (folder / 'val.txt').write_text(''.join(f'{index:02d}\n' for index in range(total - val, total)))
    return folder


def toy_config(data: Path, **changes) -> dict:
    """Build the config of a run of 6 iterations on :func:`draw_images`; ``changes`` replace top-level entries."""
    load = [dict(type='LoadImageFromFile')]
    mask = [dict(type='LoadAnnotations')]
    weak = [dict(type='RandomCrop', crop_size=(16, 16)), dict(type='RandomFlip', prob=0.5), dict(type='PackSemiInputs')]
    folder = dict(img_path=str(data / 'img'))
    config = dict(
        default_scope='mmseg',
        custom_imports=dict(imports=['mmseg_ssl', 'toy_parts'], allow_failed_imports=False),
        env_cfg=dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0)),
        log_processor=dict(by_epoch=False, window_size=1),
        vis_backends=[dict(type='LocalVisBackend')],
        visualizer=dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer'),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='SemiSampler'),
            collate_fn=dict(type='semi_collate'),
            dataset=dict(
                type='CountingSemiDataset',
                unlabeled_per_labeled=2,
                labeled=dict(
                    type='ToyDataset',
                    ann_file=str(data / 'labeled.txt'),
                    pipeline=load + mask + weak,
                    data_prefix=dict(folder, seg_map_path=str(data / 'ann')),
                ),
                unlabeled=dict(
                    type='UnlabeledImages',
                    img_suffix='.png',
                    data_prefix=folder,
                    pipeline=load + weak,
                    exclude=str(data / 'labeled.txt'),
                ),
            ),
        ),
        val_dataloader=dict(
            batch_size=1,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(
                type='ToyDataset',
                ann_file=str(data / 'val.txt'),
                pipeline=load + mask + [dict(type='PackSegInputs')],
                data_prefix=dict(folder, seg_map_path=str(data / 'ann')),
            ),
        ),
        val_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
        val_cfg=dict(type='ValLoop'),
        train_cfg=dict(type='SemiTrainLoop', max_iters=6, val_interval=3),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=3),
            dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=3, end=6),
        ],
        model=toy_model('MeanTeacher'),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
            checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=2),
        ),
        custom_hooks=[
            dict(type='SeedHook'),
            dict(type='StopOnNonFiniteLoss'),
            dict(type='MeanTeacherHook', momentum=0.1),
        ],
        randomness=dict(seed=0),
    )
    config.update(changes)
    return config


def toy_model(method: str, norm: str = 'bn', dropout: float = 0.2, **options) -> dict:
    """Build the config of a method with the tiny network."""
    strong = (
        dict(strong=dict(type='StrongAugment'))
        if method in ('MeanTeacher', 'ScribbleMeanTeacher', 'ELN', 'FARCLUSS', 'CutMixSeg')
        else {}
    )
    normalize = dict(cfg=dict(type='GN', num_groups=2)) if norm == 'gn' else dict(cfg=dict(type='BN'))
    return dict(
        type=method,
        data_preprocessor=dict(
            type='SemiDataPreProcessor',
            size=(16, 16),
            mean=[128.0] * 3,
            std=[64.0] * 3,
            test_cfg=dict(size_divisor=4),
            **strong,
        ),
        segmentor=dict(
            type='EncoderDecoder',
            backbone=dict(type='ToyBackbone', norm=norm, dropout=dropout),
            decode_head=dict(
                type='FCNHead',
                in_channels=8,
                in_index=1,
                channels=8,
                num_convs=1,
                num_classes=3,
                dropout_ratio=dropout / 2,
                norm_cfg=normalize['cfg'],
                align_corners=False,
                loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
            ),
            train_cfg=dict(),
            test_cfg=dict(mode='whole'),
        ),
        **options,
    )


def toy_localizer(norm: str = 'bn', **options) -> dict:
    """Build the config of ELN's judge with the tiny network, without dropout."""
    head = toy_model('', norm, dropout=0.0)['segmentor']['decode_head']
    return dict(backbone=dict(type='ToyBackbone', norm=norm, dropout=0.0), decode_head=head, **options)


def write_config(path: Path, config: dict) -> Path:
    """Write a config as the Python file that ``tools/train.py`` takes."""
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in config.items()))
    return path
