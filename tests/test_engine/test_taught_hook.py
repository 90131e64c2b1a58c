"""How much is taught without labels, and how much of it is right."""

import copy
import json
from types import SimpleNamespace

import pytest
import tiny
import torch
from mmengine.hooks import LoggerHook
from mmengine.structures import PixelData
from toy_process import output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine import TaughtHook
from mmseg_ssl.engine.taught_counts import Counts, hidden_truth


def test_counts_by_hand():
    """8 pixels: one is padding, one unknown; of the 7 that could be taught 5 are, of the 4 with a mask 3 rightly."""
    label = torch.tensor([[[0, 0, 1, 1], [1, 0, 0, 255]]])
    truth = torch.tensor([[[0, 1, 1, 1], [255, 0, 1, 0]]])
    valid = torch.tensor([[[1, 1, 1, 1], [1, 1, 1, 0]]]).bool()
    weight = torch.tensor([[[1.0, 1.0, 0.5, 0.5], [0.5, 0.0, 0.0, 0.0]]])
    counts = Counts(3, torch.device('cpu'))
    for _ in range(2):  # sums, not the last batch
        counts.add(label, weight, valid, truth)
    found = counts.summary(['a', 'b', 'c'])
    assert found['all'] == pytest.approx(dict(share=5 / 7, weight=3.5 / 7, accuracy=3 / 4))
    # as a: two pixels, one of them rightly; of b: four pixels, three of them taught; nothing is known of c
    expected = {'share.a': 1 / 2, 'accuracy.a': 1 / 2, 'share.b': 3 / 4, 'accuracy.b': 1.0}
    assert found['each'] == pytest.approx(expected)


def test_without_masks_the_share_alone():
    counts = Counts(2, torch.device('cpu'))
    weight = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    counts.add(torch.zeros(1, 1, 4).long(), weight, torch.ones_like(weight).bool(), None)
    assert counts.summary(['a', 'b']) == dict(all=dict(share=0.25, weight=0.25), each={})
    assert Counts(2, torch.device('cpu')).summary(['a', 'b']) == dict(all={}, each={})


def test_masks_are_padded_with_unknown():
    data = tiny.sample(0)
    data.set_data(dict(hidden_sem_seg=PixelData(data=torch.ones(1, 2, 3, dtype=torch.uint8))))
    truth = hidden_truth([data], torch.zeros(1, 3, 4).bool())
    assert truth.tolist() == [[[1, 1, 1, 255], [1, 1, 1, 255], [255] * 4]]
    assert hidden_truth([tiny.sample(0)], truth) is None and hidden_truth([], truth) is None


class Log:
    """What the hook writes to."""

    def __init__(self):
        self.logged, self.by_class = {}, {}

    def update_scalar(self, key, value):
        self.logged[key] = value

    def add_scalars(self, values, step):
        self.by_class.update(values)


def run_steps(method, masks, **options):
    """Two steps, of which the second is logged."""
    model, log = tiny.build(method, **options), Log()
    dataset = SimpleNamespace(metainfo=dict(classes=list('abcd')), hidden_masks=masks)
    runner = SimpleNamespace(
        model=model,
        hooks=[LoggerHook(interval=2)],
        message_hub=log,
        visualizer=log,
        train_dataloader=SimpleNamespace(dataset=dataset),
        iter=0,
    )
    hook = TaughtHook()
    hook.before_train(runner)
    for runner.iter in range(2):
        hook.before_train_iter(runner, 0)
        data = tiny.batch(seed=runner.iter)
        for sample in data['data_samples']['weak'] if masks else []:
            mask = sample.pseudo_sem_seg.data[:1]  # right in three stripes of four
            sample.set_data(dict(hidden_sem_seg=PixelData(data=copy.deepcopy(mask))))
        tiny.loss_of(model, data)
        hook.after_train_iter(runner, 0)
        assert not model.onlookers
    return log


def test_labels_that_are_the_mask_are_right():
    """Labels written beforehand, compared with themselves: all that is taught is right, in every class."""
    log = run_steps('PseudoLabel', masks=True)
    assert log.logged['train/taught.accuracy'] == 1.0
    assert 0.8 < log.logged['train/taught.share'] < 1  # the first rows have no label
    assert all(value == 1.0 for key, value in log.by_class.items() if 'accuracy' in key) and log.by_class


@pytest.mark.parametrize('method', ['CPCL', 'CPS', 'LocatedCPS'])
def test_two_networks_are_logged_apart(method):
    log = run_steps(method, masks=False)
    names = tiny.build(method).networks
    assert set(log.logged) == {f'train/{name}.taught.{key}' for name in names for key in ('share', 'weight')}
    assert not log.by_class


def test_without_masks_other_steps_cost_nothing():
    """Nobody looks on in a step that is not logged."""
    seen = []
    model = tiny.build('FixMatch')
    dataset = SimpleNamespace(metainfo=dict(classes=list('abcd')), hidden_masks={})
    runner = SimpleNamespace(
        model=model, hooks=[LoggerHook(interval=3)], train_dataloader=SimpleNamespace(dataset=dataset)
    )
    hook = TaughtHook()
    hook.before_train(runner)
    for runner.iter in range(6):
        hook.before_train_iter(runner, 0)
        seen.append(len(model.onlookers))
        model.onlookers.clear()
    assert seen == [0, 0, 1, 0, 0, 1]


def test_a_run_logs_it_and_trains_as_without(tmp_path):
    """Hidden masks change no loss; the totals are in the log line, those of classes in scalars.json."""
    data = draw_images(tmp_path / 'data', labeled=15, unlabeled=0)  # masks of all; 6 of them are labeled
    (data / 'labeled.txt').write_text(''.join(f'{index:02d}\n' for index in range(6)))
    cfg = toy_config(data, train_cfg=dict(type='SemiTrainLoop', max_iters=2, val_interval=2))
    path = write_config(tmp_path / 'c.py', cfg)
    assert train(path, tmp_path / 'a') == 0, output(tmp_path / 'a')
    masks = ['--cfg-options', 'train_dataloader.dataset.hidden_masks=True']
    assert train(path, tmp_path / 'b', *masks) == 0, output(tmp_path / 'b')
    logs = {}
    for name in 'ab':
        (scalars,) = (tmp_path / name).glob('*/vis_data/scalars.json')
        logs[name] = [json.loads(line) for line in scalars.read_text().splitlines()]
    losses = {name: [line['loss'] for line in log if 'loss' in line] for name, log in logs.items()}
    assert losses['a'] == losses['b'] and len(losses['a']) == 2
    assert all('taught.share' in line and 'taught.accuracy' not in line for line in logs['a'] if 'loss' in line)
    assert all(0 <= line['taught.accuracy'] <= 1 for line in logs['b'] if 'loss' in line)
    assert any('taught.accuracy.ground' in line or 'taught.share.ground' in line for line in logs['b'])
