"""One loader hands out labeled and unlabeled crops as functions of the draw."""

import random
from itertools import islice
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, Draw, semi_collate
from mmseg_ssl.utils.random import fold


def names(samples) -> list:
    return [Path(sample.img_path).stem for sample in samples]


def flat(item: dict) -> list:
    """Everything of a batch that training sees, comparable with ==."""
    images = [*item['inputs']['sup'], *item['inputs'].get('weak', [])]
    samples = [*item['data_samples']['sup'], *item['data_samples'].get('weak', [])]
    masks = [sample.gt_sem_seg.data for sample in item['data_samples']['sup']]
    metas = [sorted((k, str(v)) for k, v in sample.metainfo.items()) for sample in samples]
    return [tensor.numpy().tobytes() for tensor in images + masks] + metas


@pytest.mark.parametrize('ratio', [0, 1, 3])
def test_an_item_holds_one_labeled_and_ratio_unlabeled_images(semi_cfg, ratio):
    dataset = DATASETS.build(semi_cfg(unlabeled_per_labeled=ratio))
    item = dataset[Draw(0, tuple(range(ratio)), 7)]
    sup = item['data_samples']['sup']
    assert set(item['inputs']) == {'sup', 'weak'} - ({'weak'} if ratio == 0 else set())
    assert item['inputs']['sup'].dtype == torch.uint8
    assert item['inputs']['sup'].shape[0] == 3
    assert sup.gt_sem_seg.data.dtype == torch.uint8
    assert sup.gt_sem_seg.data.shape == (1, *item['inputs']['sup'].shape[1:])
    assert sup.seed == fold(7, 0)
    assert names([sup]) == ['01']
    weak = item['data_samples'].get('weak', [])
    assert [sample.seed for sample in weak] == [fold(7, k) for k in range(1, ratio + 1)]
    assert not any('gt_sem_seg' in sample for sample in weak)
    assert all('flip' in s and 'img_shape' in s and 'ori_shape' in s for s in [sup, *weak])


def test_the_split_divides_the_images(semi_cfg):
    dataset = DATASETS.build(semi_cfg())
    labeled = {dataset.labeled.get_data_info(i)['img_path'] for i in range(len(dataset))}
    unlabeled = {one['img_path'] for one in map(dataset.unlabeled.get_data_info, range(8))}
    assert (len(labeled), len(dataset.unlabeled)) == (4, 8)
    assert not labeled & unlabeled
    cfg = semi_cfg()
    cfg['unlabeled']['exclude'] = ''  # the few-label protocol keeps the labeled images
    assert len(DATASETS.build(cfg).unlabeled) == 12


def test_without_unlabeled_images_no_draw_is_needed_for_them(semi_cfg):
    dataset = DATASETS.build(semi_cfg(unlabeled=None))
    assert dataset.unlabeled_per_labeled == 0
    assert list(dataset[Draw(0, (), 1)]['inputs']) == ['sup']


def test_each_file_is_decoded_once(semi_cfg, monkeypatch):
    dataset = DATASETS.build(semi_cfg(unlabeled_per_labeled=2))
    decoded, original = [], mmcv.imfrombytes

    def count(content, *args, **kwargs):
        decoded.append(content)
        return original(content, *args, **kwargs)

    monkeypatch.setattr(mmcv, 'imfrombytes', count)
    dataset[Draw(0, (1, 2), 0)]
    assert len(decoded) == len(set(decoded)) == 4  # image and mask, two unlabeled images


def test_an_item_is_a_function_of_its_draw_alone(semi_cfg):
    dataset = DATASETS.build(semi_cfg())
    first = flat(semi_collate([dataset[Draw(1, (3,), 5)]]))
    before = random.random(), np.random.rand(), torch.rand(1).item()
    assert flat(semi_collate([dataset[Draw(1, (3,), 5)]])) == first
    assert flat(semi_collate([dataset[Draw(1, (3,), 6)]])) != first
    # Whatever the item did, the process's own generators go on as if nothing had happened.
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == before


@pytest.mark.parametrize('harm', ['delete', 'scramble'])
def test_masks_of_unlabeled_images_are_never_read(data, semi_cfg, harm):
    draws = [Draw(n % 4, (n % 8,), n) for n in range(12)]

    def all_draws() -> list:
        dataset = DATASETS.build(semi_cfg())
        return [flat(semi_collate([dataset[draw]])) for draw in draws]

    before = all_draws()
    labeled = (data / 'labeled.txt').read_text().split()
    for mask in (data / 'ann_dir/train').iterdir():
        if mask.stem not in labeled:
            mask.unlink() if harm == 'delete' else mask.write_bytes(b'not an image')
    assert all_draws() == before


def test_collate_is_stream_major(semi_cfg):
    dataset = DATASETS.build(semi_cfg(unlabeled_per_labeled=2))
    stems = ['00', '02', '03', '05', '07', '08', '09', '10']  # the unlabeled ones, by index
    batch = semi_collate([dataset[Draw(0, (0, 1), 1)], dataset[Draw(2, (2, 3), 2)]])
    assert names(batch['data_samples']['sup']) == ['01', '06']
    assert names(batch['data_samples']['weak']) == [stems[0], stems[2], stems[1], stems[3]]
    seeds = [sample.seed for sample in batch['data_samples']['weak']]
    assert seeds == [fold(1, 1), fold(2, 1), fold(1, 2), fold(2, 2)]


def test_the_stream_does_not_depend_on_the_workers(loader_cfg):
    streams = []
    for workers in (0, 2, 4):
        loader = Runner.build_dataloader(loader_cfg(num_workers=workers), seed=3)
        streams.append([flat(batch) for batch in islice(loader, 6)])
    assert streams[0] == streams[1] == streams[2]
    other = Runner.build_dataloader(loader_cfg(), seed=4)
    assert [flat(batch) for batch in islice(other, 6)] != streams[0]


@pytest.mark.parametrize('workers', [0, 2])
def test_a_skipped_loader_goes_on_where_the_run_stopped_and_reads_nothing_before(data, loader_cfg, workers):
    whole = Runner.build_dataloader(loader_cfg(unlabeled_per_labeled=2), seed=3)
    batches = list(islice(whole, 5))
    resumed = Runner.build_dataloader(loader_cfg(num_workers=workers, unlabeled_per_labeled=2), seed=3)
    resumed.sampler.skip(3 * 4)
    rest = batches[3:]
    needed = {path for batch in rest for view in batch['data_samples'].values() for path in names(view)}
    if workers == 0:  # workers prefetch what comes after
        for image in (data / 'img_dir/train').iterdir():
            if image.stem not in needed:
                image.unlink()
    assert [flat(b) for b in islice(resumed, 2)] == [flat(b) for b in rest]


def test_errors_name_the_file_and_the_fix(data, semi_cfg):
    dataset = DATASETS.build(semi_cfg())
    with pytest.raises(TypeError, match=r"got 3. Use sampler=dict\(type='SemiSampler'\)"):
        dataset[3]
    (data / 'ann_dir/train/01.png').write_bytes(b'broken')
    with pytest.raises(DatasetError, match=r'img_dir/train/01.png .*01.png\)(.|\n)*check_dataset'):
        dataset[Draw(0, (0,), 0)]
    with pytest.raises(DatasetError, match='must be 0 or more, got -1'):
        DATASETS.build(semi_cfg(unlabeled_per_labeled=-1))
