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

from mmseg_ssl.engine import TaughtHook, taught_hook
from mmseg_ssl.engine.taught_counts import Counts, hidden_truth
from mmseg_ssl.structures import PixelTarget


def test_counts_by_hand():
    """8 pixels: the last is padding, one unknown, one has no label and one no weight; of the 7 that could be taught 5
    are, of the 4 of these with a mask 3 rightly.
    """
    label = torch.tensor([[[0, 0, 1, 1], [1, 255, 0, 0]]])
    truth = torch.tensor([[[0, 1, 1, 1], [255, 0, 1, 0]]])
    valid = torch.tensor([[[1, 1, 1, 1], [1, 1, 1, 0]]]).bool()
    weight = torch.tensor([[[1.0, 1.0, 0.5, 0.5], [0.5, 0.5, 0.0, 1.0]]])
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


class Loader(list):
    """So many batches of a dataset."""

    def __init__(self, classes, masks, length=100):
        super().__init__(range(length))
        self.dataset = SimpleNamespace(metainfo=dict(classes=classes), hidden_masks=masks)


def runner_of(model, log, classes, masks, interval=2, **loader):
    """What the hook asks a runner for, which logs every second step."""
    return SimpleNamespace(
        model=model,
        hooks=[LoggerHook(interval=interval)],
        message_hub=log,
        visualizer=log,
        train_dataloader=Loader(classes, masks, **loader),
        iter=0,
    )


def run_steps(method, masks, **options):
    """Two steps, of which the second is logged."""
    model, log = tiny.build(method, **options), Log()
    runner = runner_of(model, log, list('abcd'), masks)
    hook = TaughtHook()
    hook.before_train(runner)
    for runner.iter in range(2):
        hook.before_train_iter(runner, runner.iter)
        data = tiny.batch(seed=runner.iter)
        for sample in data['data_samples']['weak'] if masks else []:
            mask = sample.pseudo_sem_seg.data[:1]  # right in three stripes of four
            sample.set_data(dict(hidden_sem_seg=PixelData(data=copy.deepcopy(mask))))
        tiny.loss_of(model, data)
        hook.after_train_iter(runner, runner.iter)
        assert not model.onlookers
    return log


def test_labels_that_are_the_mask_are_right():
    """Labels written beforehand, compared with themselves: all that is taught is right, in every class."""
    log = run_steps('PseudoLabel', masks=True)
    assert log.logged['train/taught.accuracy'] == 1.0
    assert 0.8 < log.logged['train/taught.share'] < 1  # the first rows have no label
    assert all(value == 1.0 for key, value in log.by_class.items() if 'accuracy' in key) and log.by_class


def masked_sample(mask):
    one = tiny.sample(0)
    one.set_data(dict(hidden_sem_seg=PixelData(data=torch.tensor([[mask]], dtype=torch.uint8))))
    return one


def taught(label, weight=(1.0,) * 4, **parts):
    """What a step of four pixels shows."""
    target = PixelTarget(torch.tensor(label), torch.tensor([[weight]]))
    return dict(target=target, valid=torch.ones(1, 1, 4).bool(), **parts)


def logs_of(steps, masks=True, weak=(0, 0, 1, 1), sup=(1, 1, 1, 1)):
    """Lines of the log, one every two steps, and what they say by class."""
    model, log = SimpleNamespace(onlookers=[]), Log()
    runner = runner_of(model, log, ['a', 'b'], masks)
    hook, lines = TaughtHook(), []
    hook.before_train(runner)
    samples = dict(weak=[masked_sample(weak)], sup=[masked_sample(sup)]) if masks else dict(weak=[tiny.sample(0)])
    for runner.iter, parts in enumerate(steps):
        hook.before_train_iter(runner, runner.iter)
        for onlooker in list(model.onlookers):
            onlooker('', dict(inputs={}, samples=samples))
            onlooker('student', parts)
        hook.after_train_iter(runner, runner.iter)
        if log.logged:
            lines.append({key.split('.')[1]: value for key, value in log.logged.items()})
            log.logged.clear()
    return lines, log.by_class


STEPS = [
    taught([[[0, 0, 1, 1]]]),  # all four, rightly
    taught([[[1, 1, 0, 255]]], (0.5, 0.5, 0.0, 1.0)),  # two, wrongly
    taught([[[0, 0, 1, 1]]], (0.0,) * 4),
    taught([[[0, 255, 255, 1]]]),
]


def test_a_line_is_of_all_steps_since_the_last_one():
    """With masks: 6 of 8 pixels, 4 of them rightly; then 2 of 8, both rightly."""
    lines, _ = logs_of(STEPS)
    assert lines[0] == pytest.approx(dict(share=6 / 8, weight=5 / 8, accuracy=4 / 6))
    assert lines[1] == pytest.approx(dict(share=2 / 8, weight=2 / 8, accuracy=1.0))
    lines, by_class = logs_of(STEPS, masks=False)  # of the logged steps alone
    assert lines == [pytest.approx(dict(share=2 / 4, weight=1 / 4)), pytest.approx(dict(share=2 / 4, weight=2 / 4))]
    assert not by_class


def test_the_mask_is_moved_and_chosen_as_the_pixels_were():
    """A mixed image has a mixed mask, a scribbled one that of the labeled view, a soft label its likeliest class."""
    probs = torch.tensor([[0.6, 0.9, 0.2, 0.4], [0.4, 0.1, 0.8, 0.6]]).view(1, 2, 1, 4).tolist()
    right = taught([[[1, 1, 0, 0]]], mix=lambda mask: mask.flip(2)), taught([[[1] * 4]], scribbles=()), taught(probs)
    for parts in right:
        ((line,), _) = logs_of([parts, parts])
        assert line['accuracy'] == 1.0


def test_shares_are_of_the_pixels_of_all_processes(monkeypatch):
    """Another process taught 2 of its 8 pixels, all of them class b and rightly so, at weight 1."""
    other = {3: torch.tensor([8.0, 2.0, 2.0]), 12: torch.tensor([[0, 2, 0], [0, 2, 0], [0, 8, 0], [0, 2, 0.0]])}
    monkeypatch.setattr(taught_hook, 'all_reduce', lambda counts: counts.add_(other[counts.numel()]))
    lines, by_class = logs_of(STEPS[:2])
    assert lines == [pytest.approx(dict(share=8 / 16, weight=7 / 16, accuracy=6 / 8))]
    # of the one process: 2 of a, rightly, of which 4 are known; as b 2 rightly, 2 wrongly, and 2 of 4 are taught
    expected = {'share.a': 4 / 4, 'accuracy.a': 2 / 2, 'share.b': (2 + 2) / (4 + 8), 'accuracy.b': (2 + 2) / (4 + 2)}
    assert by_class == pytest.approx({f'taught.{key}': value for key, value in expected.items()})


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
    runner = runner_of(model, Log(), list('abcd'), {}, interval=3)
    hook = TaughtHook()
    hook.before_train(runner)
    for runner.iter in range(6):
        hook.before_train_iter(runner, runner.iter)
        seen.append(len(model.onlookers))
        model.onlookers.clear()
    assert seen == [0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ('interval', 'epoch', 'lines'),
    [
        (2, None, [2, 4, 6, 8, 10, 12]),  # no epochs, of 12 steps
        (2, 5, [2, 4, 7, 9, 12]),  # the second and fourth step of each
        (50, 5, [5, 10]),  # each is shorter than the interval: its last step
    ],
)
def test_it_is_in_the_lines_of_the_log_and_no_others(interval, epoch, lines):
    """The host's logger says which steps these are: in a loop of epochs it counts from the start of each."""
    model, log, length = SimpleNamespace(onlookers=[]), Log(), epoch or 100
    runner = runner_of(model, log, ['a', 'b'], False, interval, length=length)
    (logger,), hook, written, logged = runner.hooks, TaughtHook(), [], []
    logger.json_log_path, runner.experiment_name, runner.logger = None, '', SimpleNamespace(info=lambda text: None)
    runner.log_processor = SimpleNamespace(get_log_after_iter=lambda *_: (written.append(runner.iter + 1), ''))
    hook.before_train(runner)
    for runner.iter in range(12):
        place = runner.iter % length
        hook.before_train_iter(runner, place)
        for onlooker in list(model.onlookers):
            onlooker('student', STEPS[0])
        hook.after_train_iter(runner, place)
        logged += [runner.iter + 1] if log.logged else []
        log.logged.clear()
        runner.visualizer = SimpleNamespace(add_scalars=lambda *_, **__: None)
        logger.after_train_iter(runner, place)
    assert written == logged == lines


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
    by_class = [line['step'] for line in logs['b'] if any(key.startswith('taught.share.') for key in line)]
    assert by_class == [line['step'] for line in logs['b'] if 'loss' in line] == [1, 2]  # one place on the axis
