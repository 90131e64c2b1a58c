"""A run on either stack resumes from its own checkpoint, and refuses one that brings code at every door."""

import os

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmseg_ssl.compat import UnsafeCheckpointError


class Line(BaseModel):
    """Fits y = w x; its loss is logged, so that checkpoints hold a history."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x, y=None, mode='tensor'):
        return {'loss': (self.weight * x - y).square().mean()}


class Points(torch.utils.data.Dataset):
    metainfo = {}

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return {'x': torch.tensor(float(index)), 'y': torch.tensor(2.0 * index)}


runs = iter(range(10**6))


def runner(folder, iters, **kwargs):
    return Runner(
        Line(),
        str(folder),
        experiment_name=f'safe_{os.getpid()}_{next(runs)}',
        train_dataloader=dict(
            dataset=Points(),
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=iters),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        param_scheduler=[dict(type='PolyLR', by_epoch=False, end=4)],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1),
            logger=dict(type='LoggerHook', interval=1),
        ),
        log_level='ERROR',
        randomness=dict(seed=0),
        **kwargs,
    )


def losses():
    return MessageHub.get_current_instance().get_scalar('train/loss').data[0].tolist()


def test_run_resumes_from_its_own_checkpoint(tmp_path):
    whole = runner(tmp_path / 'whole', 4)
    whole.train()
    expected = losses()
    assert len(expected) == 4

    runner(tmp_path / 'cut', 2).train()
    resumed = runner(tmp_path / 'cut', 4, resume=True)
    resumed.train()
    assert resumed.iter == 4
    assert losses() == expected  # the two steps before the cut come from the checkpoint, through HistoryBuffer
    assert torch.equal(resumed.model.weight, whole.model.weight)


class MakeFolder:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


DOORS = {
    'load_checkpoint': lambda folder, path: runner(folder, 2).load_checkpoint(path),
    'load_from': lambda folder, path: runner(folder, 2, load_from=path).train(),
    'resume': lambda folder, path: runner(folder, 2).resume(path),
    'resume=True': lambda folder, path: runner(folder, 2, load_from=path, resume=True).train(),
}


@pytest.mark.parametrize('door', DOORS)
def test_run_refuses_code(door, tmp_path):
    folder = tmp_path / 'run'
    runner(folder, 1).train()
    good, evil, marker = folder / 'iter_1.pth', tmp_path / 'evil.pth', tmp_path / 'code_did_run'
    saved = torch.load(good, weights_only=False)  # our own file, a moment old
    torch.save({**saved, 'meta': {**saved['meta'], 'note': MakeFolder(str(marker))}}, evil)

    with pytest.raises(UnsafeCheckpointError, match=r'evil\.pth: refused'):
        DOORS[door](folder, str(evil))
    assert not marker.exists()

    DOORS[door](folder, str(good))  # the same file without the code is welcome
    torch.load(evil, weights_only=False)
    assert marker.exists()  # the control: unguarded, it would have run
