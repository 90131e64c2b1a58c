"""Two processes compute what one computes with the same total batch."""

import os
import socket
from pathlib import Path

import pytest
import torch
import toy_parts  # noqa: F401
from mmengine.config import ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from toy_process import server
from toy_run import draw_images, toy_config, toy_localizer, toy_model

from mmseg_ssl.models.losses import heteroscedastic

TOTAL_BATCH = 4
SLOW = pytest.mark.slow
STATISTICS = ('energy', 'rebalancing', 'contrast')
SCRIBBLED = ('SoftSelfLabeling', 'ScribbleMeanTeacher')


def first_step(config: dict, rank: int, world_size: int, port: int, path: str) -> None:
    """Forward and backward of the first batch of one rank; save its losses and gradients."""
    torch.set_num_threads(1)
    init_default_scope('mmseg')
    if world_size > 1:
        os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
        torch.distributed.init_process_group('gloo', rank=rank, world_size=world_size)
    torch.manual_seed(0)
    model = MODELS.build(config['model'])
    model.init_weights()
    model.train()
    if hasattr(model, 'teacher'):
        model.teacher.start(model.student)
    # each rank draws Monte-Carlo noise of its own, which two ranks and one cannot have in common
    heteroscedastic.normal_like = lambda like, *_, **__: torch.zeros_like(like)
    loader = dict(config['train_dataloader'], batch_size=TOTAL_BATCH // world_size)
    batch = next(iter(Runner.build_dataloader(ConfigDict(loader), seed=0)))
    if config['model']['type'] in SCRIBBLED:
        scribble(batch['data_samples']['sup'])
    data = model.data_preprocessor(batch, True)
    network = MMDistributedDataParallel(model) if world_size > 1 else model
    total, terms = model.parse_losses(network(**data, mode='loss'))
    total.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    images = sorted(sample.img_path for samples in batch['data_samples'].values() for sample in samples)
    terms = {k: v.detach() for k, v in terms.items()}
    statistics = {name: buffer for name, buffer in model.named_buffers() if name.split('.')[0] in STATISTICS}
    torch.save(dict(terms=terms, gradients=gradients, images=images, statistics=statistics), path)


def scribble(samples: list) -> None:
    """Keep as many labels of each image: the host's cross entropy is a mean over the labels of one process."""
    for sample in samples:
        labels = sample.gt_sem_seg.data
        drawn = torch.zeros_like(labels, dtype=torch.bool)
        drawn[..., 2::5, 1::4] = True
        labels[~drawn] = 255
        sample.unlabeled_mask = PixelData(data=~drawn)


def run(config: dict, world_size: int, folder: Path) -> list:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    paths = [str(folder / f'{world_size}_{rank}.pth') for rank in range(world_size)]
    processes = [
        server().Process(target=first_step, args=(config, rank, world_size, port, path))
        for rank, path in enumerate(paths)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(200)
        assert process.exitcode == 0
    return [torch.load(path) for path in paths]


# every pixel is sampled: which ones a rank draws, its own generator says
PIXELS = dict(samples_per_class=512, temperature=0.1)
OPTIONS = {
    # its default, the public code's energy, is the logarithm of a sum over the pixels of a process
    'DUEB': dict(energy=dict(type='EnergyWeighting')),
    'ELNWarmup': dict(slack=(1.0, 1.2), gate='batch', localizer=toy_localizer('gn', balance='batch')),
    **{name: dict(self_labeling=dict(bandwidth=60)) for name in SCRIBBLED},
    'ELN': dict(slack=(0.9, 1.0), localizer=toy_localizer('gn'), contrast=PIXELS, pseudo_mean='kept'),
    # CutMix takes its partner from the batch of a process, and anchors are drawn there: no boxes, all are anchors
    'FARCLUSS': dict(
        cutmix=dict(prob=0.0), contrast=dict(anchors_per_class=10**6), projection=dict(norm_cfg=None, out_channels=6)
    ),
    # an untrained network is hardly surer than 1/3: the threshold lies among its confidences
    'CutMixSeg': dict(threshold=0.338, unsup_weight=1e4),
}


@pytest.mark.parametrize(
    'method',
    [
        *(pytest.param(name, marks=SLOW) for name in ('Supervised', 'MeanTeacher', 'ELNWarmup', 'ScribbleMeanTeacher')),
        pytest.param('CutMixSeg', marks=SLOW),
        *('CPCL', 'DUEB', 'ELN', 'FARCLUSS', 'SoftSelfLabeling'),
    ],
)
def test_same_first_step(method, tmp_path):
    """Losses: the mean over the ranks; gradients: the same on each rank, as DDP averages them; statistics in buffers:
    those of all images on each rank.

    GroupNorm stands for SyncBN, which has no CPU version; no dropout, whose masks follow the layout of a batch.
    """
    model = toy_model(method, norm='gn', dropout=0.0, **OPTIONS.get(method, {}))
    config = toy_config(draw_images(tmp_path / 'data'), model=model)
    (one,), two = run(config, 1, tmp_path), run(config, 2, tmp_path)
    assert sorted(two[0]['images'] + two[1]['images']) == one['images']  # the same images, dealt out
    assert two[0]['terms'] != two[1]['terms']  # and each rank has its own
    assert one['terms'].get('unsup.loss_self_label', 0) > 0.1 or method not in SCRIBBLED
    for name, value in one['terms'].items():
        mean = (two[0]['terms'][name] + two[1]['terms'][name]) / 2
        torch.testing.assert_close(mean, value, rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f'{name}: {text}')
    assert one['gradients'].keys() == two[0]['gradients'].keys()
    assert sum(gradient.abs().sum() for gradient in one['gradients'].values()) > 0.1
    for name, gradient in one['gradients'].items():
        for rank in two:
            torch.testing.assert_close(
                rank['gradients'][name], gradient, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f'{name}: {text}'
            )
    assert bool(one['statistics']) == (method in ('DUEB', 'FARCLUSS'))
    for name, value in one['statistics'].items():
        for rank in two:
            torch.testing.assert_close(rank['statistics'][name], value, rtol=1e-5, atol=1e-6, msg=name)
